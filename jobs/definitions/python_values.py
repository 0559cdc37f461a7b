"""Values that a launch from Python gives a form, in the form that its fields take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import MultiWidget


def pieces(field: forms.Field, value: Any) -> Any:
    """*value* in the form that the field's ``clean`` takes. Raises ValidationError."""
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
        else pieces(part, each)
        for part, kind, each in zip(field.fields, widget.widgets, parts, strict=False)
    ]


def _as_text(field: forms.CharField, value: Any) -> Any:
    """A number, or a value whose class defines ``__str__``; never the ``repr`` of a list."""
    if value is None or isinstance(value, str):
        return value
    has_text = any("__str__" in vars(base) for base in type(value).__mro__[:-1])
    if isinstance(value, int | float) or has_text:
        return str(value)
    if type(field).__module__ == forms.CharField.__module__:
        raise ValidationError(f"This takes text, not a value of type {type(value).__name__}.")
    return value
