"""How a launch becomes parameters: the definition's form reads what was given, once.

What the form understood is kept, and what a step gets comes from there. ``given`` has the three
ways to give parameters, ``kept`` what a job keeps of them, ``prefill`` the form of the next launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django import forms

from ..exceptions import InvalidParams
from . import values
from .controls import Texts, is_text, shown, takes_a_file
from .given import UNKNOWN, FromCommand, Given, prepare
from .kept import Kept, as_json, in_words, recall
from .prefill import fill_in
from .reading import Reader, reading

__all__ = [
    "NOT_TEXT",
    "UNKNOWN",
    "FromCommand",
    "Kept",
    "Understood",
    "as_json",
    "fill_in",
    "in_words",
    "recall",
    "understand",
]

NOT_TEXT = "This is not text: it has bytes that are not UTF-8."
NO_FILES = "This is a file field, and no file is kept for the steps: the form must ask for a path."


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a form understood."""

    cleaned: dict[str, Any]
    kept: Kept
    typed: Texts  # the text that was given, by control
    form: forms.Form


def understand(
    name: str, params: type[forms.Form], given: Mapping[str, Any], shown_before: Kept | None = None
) -> Understood:
    """Read what was *given*: a QueryDict of a page, a FromCommand, or Python values by field.

    *shown_before* are the parameters that the page had filled in: a control that was sent back
    unchanged keeps its exact value. Raises InvalidParams, also for values that cannot be kept.
    """
    asked = prepare(params(), given, shown_before)
    form = params(asked.data)
    with reading(form, asked.handed) as readers:
        form.full_clean()
    errors = _errors(form, asked)
    kept, unkept = ({}, {}) if errors else _keep(form, readers)
    if errors := errors | unkept:
        raise InvalidParams(name, errors, form)
    return Understood(cleaned=form.cleaned_data, kept=kept, typed=asked.texts(), form=form)


def _errors(form: forms.Form, asked: Given) -> dict[str, list[str]]:
    """What the form refuses, and what it would take although no step can be given it."""
    errors = {
        key: [str(text) for text in texts] for key, texts in form.errors.items()
    } | asked.errors
    for control, texts in asked.texts().items():
        if not all(map(is_text, texts)):
            errors[control] = [NOT_TEXT]
    for name, field in form.fields.items():
        if takes_a_file(field):
            errors[name] = [NO_FILES]
    return errors


def _keep(form: forms.Form, readers: Mapping[str, Reader]) -> tuple[Kept, dict[str, list[str]]]:
    """The cleaned data in their kept form, and the errors of values that cannot be kept."""
    kept: Kept = {"fields": {}, "added": {}, "read": {}}
    errors: dict[str, list[str]] = {}
    for name, value in form.cleaned_data.items():
        try:
            if not isinstance(name, str):
                raise values.CannotBeKept("its name is not text")
            kept["fields" if name in form.fields else "added"][name] = values.encode(value)
        except values.CannotBeKept as error:
            errors[str(name)] = [f"This cannot be kept for the steps: {error}."]
    for name, reader in readers.items():
        with suppress(Exception):  # then the next form shows the cleaned value
            read = values.encode(reader.shows())
            if read != kept["fields"].get(name, ...) and not _looks_alike(form, name, reader):
                kept["read"][name] = read
    return kept, errors


def _looks_alike(form: forms.Form, name: str, reader: Reader) -> bool:
    """Whether a control shows the cleaned value and what its field has read alike."""
    if name not in form.cleaned_data:
        return False
    try:
        made = shown(form[name], form.cleaned_data[name])
    except Exception:  # the widget cannot show the result of a clean_…()
        return False
    return made == shown(form[name], reader.shows())
