"""What each field of a form reads, remembered for the next launch form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import ChoiceWidget, MultiWidget


@contextmanager
def reading(form: forms.Form, handed: dict[str, Any]) -> Iterator[dict[str, Reader]]:
    """Let each field remember what it reads while the form is cleaned.

    The fields named in *handed* read the value there instead of their text.
    """
    fields = dict(form.fields)
    readers = {name: Reader(taker) for name, taker in fields.items()}
    for name, taker in fields.items():
        if name in handed:
            readers[name].handed = handed[name]
        taker.clean = readers[name]  # type: ignore[method-assign, assignment]
    try:
        yield readers
    finally:
        for taker in fields.values():
            del taker.clean


class Reader:
    """Replaces a field's ``clean``, which runs before the form's own ``clean_…()`` methods."""

    handed: Any = ...  # nothing is handed

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
        """What the control shows: the chosen option itself, not what it stands for."""
        field, widget = self._field, self._field.widget
        if not self._text or isinstance(widget, MultiWidget):
            return self._value
        is_choice = isinstance(widget, ChoiceWidget | forms.CheckboxInput)
        # Parts of one text, which the field does not join again.
        is_in_parts = isinstance(self._value, list | tuple | set) and (
            type(field).prepare_value is forms.Field.prepare_value
        )
        return self._text if is_choice or is_in_parts else self._value
