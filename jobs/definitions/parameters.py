"""How a launch becomes parameters: the definition's form reads what was given, once.

What the form understood is kept, and what a step gets comes from there. ``given`` has the three
ways to give parameters, ``kept`` what a job keeps of them, ``prefill`` the form of the next launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django import forms

from .. import sealing
from ..exceptions import InvalidParams
from ..redaction import Redactor
from . import secret, values
from .controls import Texts, is_text, shown, takes_a_file
from .given import UNKNOWN, FromCommand, Given, prepare
from .kept import Kept, as_json, has_secrets, in_words, recall
from .prefill import fill_in
from .reading import Reader, reading

__all__ = [
    "NOT_TEXT",
    "NO_SECRETS",
    "UNKNOWN",
    "FromCommand",
    "Kept",
    "Secrets",
    "Understood",
    "as_json",
    "fill_in",
    "has_secrets",
    "in_words",
    "recall",
    "understand",
]

NOT_TEXT = "This is not text: it has bytes that are not UTF-8."
NO_FILES = "This is a file field, and no file is kept for the steps: the form must ask for a path."


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a form understood."""

    cleaned: dict[str, Any] = field(repr=False)
    kept: Kept
    sealed: Kept = field(repr=False)  # what has to be sealed of it; empty when nothing is secret
    typed: Texts  # the text that was given, by control, if it is not secret
    form: forms.Form
    hide: Redactor  # hides what is secret


@dataclass(frozen=True)
class Secrets:
    """The secret parameters of a job."""

    values: Mapping[str, values.Coded] = field(default_factory=dict, repr=False)
    hide: Redactor = field(default_factory=Redactor)

    @classmethod
    def of(cls, unsealed: Kept) -> Secrets:
        return cls(unsealed["secret"] | unsealed["beside"], secret.redactor_of(unsealed["secret"]))


NO_SECRETS = Secrets()


def understand(
    name: str, params: type[forms.Form], given: Mapping[str, Any], shown_before: Kept | None = None
) -> Understood:
    """Read what was *given*: a QueryDict of a page, a FromCommand, or Python values by field.

    *shown_before* are the parameters that the page had filled in: a control that was sent back
    unchanged keeps its exact value. Raises InvalidParams, also for values that cannot be kept.
    """
    asked = prepare(params(), given, shown_before)
    form = params(asked.data)
    names = secret.names_of(form.fields)
    typed = secret.typed_into(form, [given[name] for name in names & given.keys()]) if names else []
    hide = Redactor(typed)
    with secret.guarded(hide), reading(form, asked.handed) as readers:
        form.full_clean()
    secret.hide_errors(form, hide)
    errors = _errors(form, asked)
    kept, unkept = ({}, {}) if errors else _keep(form, readers)
    if errors := errors | unkept:
        raise InvalidParams(name, {key: list(map(hide, errors[key])) for key in errors}, form)
    sealed, hide = secret.take_out(kept, names, typed)
    if sealed and not sealing.is_available():
        text = f"This is secret and cannot be kept: {sealing.MISSING}."
        raise InvalidParams(name, {key: [text] for key in sealed["secret"]}, form)
    return Understood(
        cleaned=form.cleaned_data,
        kept=kept,
        sealed=sealed,
        typed=secret.public(asked.texts(), form, hide) if names else asked.texts(),
        form=form,
        hide=hide,
    )


def _errors(form: forms.Form, asked: Given) -> dict[str, list[str]]:
    """What the form refuses, and what it would take although no step can be given it."""
    errors = {
        key: [str(text) for text in texts] for key, texts in form.errors.items()
    } | asked.errors
    for control, texts in asked.texts().items():
        if not all(map(is_text, texts)):
            errors[control] = [NOT_TEXT]
    for name, taker in form.fields.items():
        if takes_a_file(taker):
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
