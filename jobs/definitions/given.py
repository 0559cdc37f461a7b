"""The three ways to give parameters: a page, a command, Python.

A page sends text for each control of the form; a control that it does not send is empty. A command
gives text by control and Python gives values by field; what they do not name has its initial value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.widgets import ChoiceWidget, MultiWidget
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from .controls import Texts, controls, errors_of_texts, shown, takes_several
from .kept import Kept, shown_in_form
from .prefill import fill_in
from .python_values import pieces

UNKNOWN = "There is no such parameter."


class FromCommand(dict[str, list[str]]):
    """Text by control. Controls that are not named keep their initial value; ``[]`` empties one."""


class Sent(MultiValueDict[str, str]):
    """What a browser sent, and the names that the form has read: the others are not parameters."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def getlist(self, key: str, default: Any = None) -> list[Any]:
        self.read.add(key)
        return super().getlist(key, default)


@dataclass
class Given:
    """What a form reads: text for its controls, and values that some fields take unchanged.

    ``errors`` are those that the form itself would not find.
    """

    data: MultiValueDict[str, str]
    handed: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    typed: Texts = field(default_factory=dict)

    def texts(self) -> Texts:
        """The text that was given, by control; of a page only after the form has read it."""
        if isinstance(self.data, Sent):
            return {key: texts for key, texts in self.data.lists() if key in self.data.read}
        return self.typed


def prepare(blank: forms.Form, given: Mapping[str, Any], shown_before: Kept | None) -> Given:
    """What the form is to read, by the way in which the parameters were given."""
    if isinstance(given, MultiValueDict):
        return _from_page(blank, given, shown_before)
    if isinstance(given, FromCommand):
        return _from_command(blank, given)
    return _from_python(blank, given)


def _from_page(
    blank: forms.Form, given: MultiValueDict[str, str], shown_before: Kept | None
) -> Given:
    asked = Given(Sent(dict(given.lists())))
    if shown_before:
        fill_in(blank, shown_before)
        for name in shown_in_form(shown_before).keys() & blank.initial.keys() & blank.fields.keys():
            if _is_as_shown(blank[name], given):
                try:
                    asked.handed[name] = pieces(blank.fields[name], blank.initial[name])
                except ValidationError as error:
                    asked.errors[name] = error.messages
    return asked


def _is_as_shown(bound: BoundField, given: MultiValueDict[str, str]) -> bool:
    """Whether a control, which may show less than the value, was sent back unchanged."""
    if bound.field.disabled or isinstance(bound.field.widget, ChoiceWidget | forms.CheckboxInput):
        return False  # these show exactly what is chosen
    sent = shown(bound, bound.initial)
    is_empty = not any(map(any, sent.values()))  # a password, which is never shown
    return not is_empty and all(given.getlist(name) == texts for name, texts in sent.items())


def _from_command(blank: forms.Form, given: FromCommand) -> Given:
    asked = Given(MultiValueDict(), typed=dict(given))
    known = {control.name: control for control in controls(blank)}
    for name, texts in given.items():
        if name not in known:
            asked.errors[name] = [UNKNOWN]
            continue
        asked.errors |= errors_of_texts(known[name].field, known[name].widget, texts)
        if texts:
            asked.data.setlist(name, texts)
    _add_initial(asked.data, blank, given)
    return asked


def _from_python(blank: forms.Form, given: Mapping[str, Any]) -> Given:
    asked = Given(QueryDict(mutable=True))
    for name, value in given.items():
        if name not in blank.fields:
            asked.errors[name] = [UNKNOWN]
        elif blank.fields[name].disabled:
            asked.errors[name] = ["This is fixed by the form; leave it out."]
        else:
            _take(asked, blank[name], value)
    _add_initial(
        asked.data, blank, {blank[name].html_name for name in given if name in blank.fields}
    )
    return asked


def _take(asked: Given, bound: BoundField, value: Any) -> None:
    """Text is read as if it were typed; the field takes any other value unchanged."""
    name, widget = bound.name, bound.field.widget
    texts = _texts(value, widget)
    if texts is not None:
        asked.typed[bound.html_name] = texts
        asked.data.setlist(bound.html_name, texts)
        asked.errors |= errors_of_texts(name, widget, texts)
        return
    try:
        asked.handed[name] = pieces(bound.field, value)
        for control, shown_texts in shown(bound, value).items():
            if shown_texts:
                asked.data.setlist(control, shown_texts)
    except ValidationError as error:
        asked.errors[name] = error.messages
    except Exception:  # the widget cannot show it; the field decides whether it takes it
        asked.handed.setdefault(name, value)


def _texts(value: Any, widget: forms.Widget) -> list[str] | None:
    """The text for one control, if *value* is that."""
    if isinstance(widget, MultiWidget):
        return None
    if type(value) is str:
        return [value]
    if takes_several(widget) and isinstance(value, list | tuple) and value:
        return list(value) if all(type(item) is str for item in value) else None
    return None


def _add_initial(data: MultiValueDict[str, str], blank: forms.Form, given: Iterable[str]) -> None:
    """Add what a browser would send of the untouched controls."""
    touched = frozenset(given)
    for bound in blank:
        if not (bound.field.disabled or bound.initial is None or bound.html_name in touched):
            for name, texts in shown(bound, bound.initial).items():
                if texts and name not in touched:
                    data.setlist(name, texts)
