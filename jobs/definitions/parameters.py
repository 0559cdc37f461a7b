"""How a launch becomes parameters: what was given is read by the definition's form, once.

There are three ways to give something. A page sends text for each control of the form; what it
does not send is empty. A command gives text by control, too, and Python gives values by field; what
these do not name has its initial value, as it would on the page. What the form has understood is
kept (``values``), and what a step gets comes from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.widgets import ChoiceWidget, MultiWidget
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from ..exceptions import InvalidParams, LostParam
from . import values
from .controls import Texts, controls, errors_of_texts, is_text, shown, takes_a_file, takes_several

# "fields" of the form, what its clean() "added", and what fields had "read" that it made another.
Kept = dict[str, dict[str, values.Coded]]

NOT_TEXT = "This is not text: it has bytes that are not UTF-8."
UNKNOWN = "There is no such parameter."
NO_FILES = "This is a file field, and no file is kept for the steps: the form must ask for a path."


class FromCommand(dict[str, list[str]]):
    """Text by control. What is not named has its initial value; an empty list empties it."""


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a form has made of what was given."""

    cleaned: dict[str, Any]
    kept: Kept
    typed: Texts  # the text that was given, by control
    form: forms.Form


@dataclass
class _Given:
    """What a form is to read: text for its controls, and values that some fields take as they are.

    Errors are those that the form would not find.
    """

    data: MultiValueDict[str, str]
    handed: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    typed: Texts = field(default_factory=dict)


def understand(
    name: str, params: type[forms.Form], given: Mapping[str, Any], shown_before: Kept | None = None
) -> Understood:
    """Read what was *given*: a QueryDict of a page, a FromCommand, or Python values by field.

    *shown_before* are the parameters that the page had filled in: what was sent back as it was
    shown has the very value. Raises InvalidParams, also for what cannot be kept.
    """
    blank = params()
    if isinstance(given, MultiValueDict):
        asked = _from_page(blank, given, shown_before)
    elif isinstance(given, FromCommand):
        asked = _from_command(blank, given)
    else:
        asked = _from_python(blank, given)
    form = params(asked.data)
    with _reading(form, asked.handed) as readers:
        errors = {key: [str(text) for text in texts] for key, texts in form.errors.items()}
    typed = asked.typed
    if isinstance(asked.data, _Sent):
        typed = {key: texts for key, texts in asked.data.lists() if key in asked.data.read}
    broken = [key for key, texts in typed.items() if not all(map(is_text, texts))]
    errors |= asked.errors | {key: [NOT_TEXT] for key in broken}
    errors |= {name: [NO_FILES] for name, field in form.fields.items() if takes_a_file(field)}
    kept, unkept = ({}, {}) if errors else _keep(form, readers)
    if errors := errors | unkept:
        raise InvalidParams(name, errors, form)
    return Understood(cleaned=form.cleaned_data, kept=kept, typed=typed, form=form)


def _keep(form: forms.Form, readers: Mapping[str, _Reader]) -> tuple[Kept, dict[str, list[str]]]:
    """The cleaned data as they are kept, and what is wrong with those that cannot be."""
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
        with suppress(Exception):  # then the page will show what the form has made of it
            read = values.encode(reader.shows())
            if read != kept["fields"].get(name, ...) and not _looks_alike(form, name, reader):
                kept["read"][name] = read
    return kept, errors


def _looks_alike(form: forms.Form, name: str, reader: _Reader) -> bool:
    """Whether a control shows the cleaned value as it shows what the field has read."""
    if name not in form.cleaned_data:
        return False
    try:
        made = shown(form[name], form.cleaned_data[name])
    except Exception:  # its widget cannot show what a clean_…() has made
        return False
    return made == shown(form[name], reader.shows())


def recall(kept: Kept) -> dict[str, Any]:
    """What a step gets. Objects are fetched from the database. Raises LostParam."""
    recalled = {}
    for name, coded in (kept["fields"] | kept["added"]).items():
        try:
            recalled[name] = values.decode(coded)
        except values.Lost as error:
            raise LostParam(name, str(error)) from error
    return recalled


def in_words(kept: Kept) -> dict[str, str]:
    """The parameters to be read by people."""
    return {name: values.words(coded) for name, coded in (kept["fields"] | kept["added"]).items()}


def as_json(kept: Kept) -> dict[str, Any]:
    """The parameters to be read by programs."""
    return {name: values.plain(coded) for name, coded in (kept["fields"] | kept["added"]).items()}


def fill_in(form: forms.Form, kept: Kept) -> list[str]:
    """Let *form* show what its fields have read. Returns what it cannot show, with the reasons."""
    dropped = []
    for name, coded in _filled_in(kept).items():
        if name not in form.fields:
            dropped.append(f"{name}, which is no parameter any more")
        elif not form.fields[name].disabled:
            not_taken = f"{name} {values.words(coded)}, which it does not take any more"
            try:
                value = values.decode(coded)
                texts = shown(form[name], value)
            except values.Lost as error:
                dropped.append(f"{name}: {error}")
                continue
            except Exception:  # the field is another one now, and its widget cannot show this
                dropped.append(not_taken)
                continue
            if not all(map(is_text, chain(*texts.values()))):  # no page can hold half a character
                dropped.append(f"{name}, which is not text through and through")
                continue
            if _is_partly_gone(form.fields[name].widget, value, texts):
                dropped.append(not_taken)
            form.initial[name] = value
            form[name].__dict__.pop("initial", None)
    return dropped


def _filled_in(kept: Kept) -> dict[str, values.Coded]:
    """What a page shows of a job's parameters; a release before kept nothing as "read"."""
    return kept["fields"] | kept.get("read", {})


def _is_partly_gone(widget: forms.Widget, value: Any, texts: Texts) -> bool:
    """Whether a choice, or one of several, is none any more."""
    if not isinstance(widget, ChoiceWidget):
        return False
    is_one = value is not None and value != ""
    chosen = len(value or ()) if takes_several(widget) else is_one
    return sum(map(len, texts.values())) < chosen


# --- the three ways -------------------------------------------------------------------------------


class _Sent(MultiValueDict[str, str]):
    """What a browser sent, and which of it the form has read: the rest is not for the form."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def getlist(self, key: str, default: Any = None) -> list[Any]:
        self.read.add(key)
        return super().getlist(key, default)


def _from_page(
    blank: forms.Form, given: MultiValueDict[str, str], shown_before: Kept | None
) -> _Given:
    asked = _Given(_Sent(dict(given.lists())))
    if shown_before:
        fill_in(blank, shown_before)
        for name in _filled_in(shown_before).keys() & blank.initial.keys() & blank.fields.keys():
            if _is_as_shown(blank[name], given):
                try:
                    asked.handed[name] = _pieces(blank.fields[name], blank.initial[name])
                except ValidationError as error:
                    asked.errors[name] = error.messages
    return asked


def _is_as_shown(bound: BoundField, given: MultiValueDict[str, str]) -> bool:
    """Whether a control that may show less than the value has come back as it was shown."""
    if bound.field.disabled or isinstance(bound.field.widget, ChoiceWidget | forms.CheckboxInput):
        return False  # these say exactly what is chosen
    sent = shown(bound, bound.initial)
    is_empty = not any(map(any, sent.values()))  # a password, which nobody is shown
    return not is_empty and all(given.getlist(name) == texts for name, texts in sent.items())


def _from_command(blank: forms.Form, given: FromCommand) -> _Given:
    asked = _Given(MultiValueDict(), typed=dict(given))
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


def _from_python(blank: forms.Form, given: Mapping[str, Any]) -> _Given:
    asked = _Given(QueryDict(mutable=True))
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


def _take(asked: _Given, bound: BoundField, value: Any) -> None:
    """Text is read as if it was typed; any other value is the field's as it is."""
    name, widget = bound.name, bound.field.widget
    texts = _texts(value, widget)
    if texts is not None:
        asked.typed[bound.html_name] = texts
        asked.data.setlist(bound.html_name, texts)
        asked.errors |= errors_of_texts(name, widget, texts)
        return
    try:
        asked.handed[name] = _pieces(bound.field, value)
        for control, shown_texts in shown(bound, value).items():
            if shown_texts:
                asked.data.setlist(control, shown_texts)
    except ValidationError as error:
        asked.errors[name] = error.messages
    except Exception:  # the widget cannot show it; the field will say whether it takes it
        asked.handed.setdefault(name, value)


def _texts(value: Any, widget: forms.Widget) -> list[str] | None:
    """What is typed into one control, if that is what *value* is."""
    if isinstance(widget, MultiWidget):
        return None
    if type(value) is str:
        return [value]
    if takes_several(widget) and isinstance(value, list | tuple) and value:
        return list(value) if all(type(item) is str for item in value) else None
    return None


def _add_initial(data: MultiValueDict[str, str], blank: forms.Form, given: Iterable[str]) -> None:
    """Add what a browser would send of the controls that nobody has touched."""
    touched = frozenset(given)
    for bound in blank:
        if not (bound.field.disabled or bound.initial is None or bound.html_name in touched):
            for name, texts in shown(bound, bound.initial).items():
                if texts and name not in touched:
                    data.setlist(name, texts)


# --- values of Python -----------------------------------------------------------------------------


def _pieces(field: forms.Field, value: Any) -> Any:
    """*value* as the field's ``clean`` takes it. Raises ValidationError."""
    if isinstance(field, forms.MultiValueField) and isinstance(field.widget, MultiWidget):
        return _pieces_of(field, field.widget, value)
    if isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField):
        is_one = isinstance(value, str | bytes) or not isinstance(value, Iterable)
        return value if is_one else list(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValidationError("This takes no bytes; decode them first.")
    if isinstance(field, forms.DateField) and isinstance(value, datetime):
        raise ValidationError("This takes a date; of a moment, give the date in the zone you mean.")
    if isinstance(field, forms.NullBooleanField) and value not in (True, False, None):
        raise ValidationError("This takes True, False or None.")
    if isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField):
        return _as_text(field, value)
    return value


def _pieces_of(field: forms.MultiValueField, widget: MultiWidget, value: Any) -> Any:
    if isinstance(value, str):
        raise ValidationError("This takes a value or a list of its parts, not one text.")
    parts = list(value if isinstance(value, list | tuple) else widget.decompress(value) or ())
    if len(parts) > len(field.fields):
        raise ValidationError(f"This takes {len(field.fields)} parts, not {len(parts)}.")
    return [
        _pieces_of(part, kind, each)
        if isinstance(part, forms.MultiValueField) and isinstance(kind, MultiWidget)
        else _pieces(part, each)
        for part, kind, each in zip(field.fields, widget.widgets, parts, strict=False)
    ]


def _as_text(field: forms.CharField, value: Any) -> Any:
    """A number or another value that has a text of its own; never the ``repr`` of a list."""
    if value is None or isinstance(value, str):
        return value
    has_text = any("__str__" in vars(base) for base in type(value).__mro__[:-1])
    if isinstance(value, int | float) or has_text:
        return str(value)
    if type(field).__module__ == forms.CharField.__module__:
        raise ValidationError(f"This takes text, not a value of type {type(value).__name__}.")
    return value


@contextmanager
def _reading(form: forms.Form, handed: dict[str, Any]) -> Iterator[dict[str, _Reader]]:
    """While the form is cleaned, each field remembers what it reads.

    Some take the values that are *handed* to them instead of their text.
    """
    fields = dict(form.fields)
    readers = {name: _Reader(taker) for name, taker in fields.items()}
    for name, taker in fields.items():
        if name in handed:
            readers[name].handed = handed[name]
        taker.clean = readers[name]  # type: ignore[method-assign, assignment]
    try:
        yield readers
    finally:
        for taker in fields.values():
            del taker.clean


class _Reader:
    """Takes the place of a field's ``clean``, before the form's own methods clean further."""

    handed: Any = ...  # nothing

    def __init__(self, field: forms.Field) -> None:
        self._clean = field.clean
        self._field = field
        self._text: Any = None
        self._value: Any = None

    def __call__(self, text: Any, *initial: Any) -> Any:
        self._text = text
        self._value = self._read(text, *initial)
        return self._value

    def _read(self, text: Any, *initial: Any) -> Any:
        if self.handed is ...:
            return self._clean(text, *initial)
        try:
            return self._clean(self.handed)
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            kind = type(self.handed).__name__
            raise ValidationError(f"This does not take a value of type {kind}: {error}.") from error

    def shows(self) -> Any:
        """What the control is to show: a choice itself, and not what it stands for."""
        field, widget = self._field, self._field.widget
        if not self._text or isinstance(widget, MultiWidget):
            return self._value
        is_choice = isinstance(widget, ChoiceWidget | forms.CheckboxInput)
        # Parts of one text, which the field does not put together again.
        is_in_parts = isinstance(self._value, list | tuple | set) and (
            type(field).prepare_value is forms.Field.prepare_value
        )
        return self._text if is_choice or is_in_parts else self._value
