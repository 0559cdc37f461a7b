"""A launch form filled in with the parameters of an earlier job."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django import forms
from django.forms.widgets import ChoiceWidget

from . import values
from .controls import Texts, is_text, shown, takes_several
from .kept import Kept, shown_in_form


def fill_in(form: forms.Form, kept: Kept) -> list[str]:
    """Let *form* show the parameters of a job. Returns what it cannot show, with the reasons."""
    dropped = []
    for name, coded in shown_in_form(kept).items():
        if name not in form.fields:
            dropped.append(f"{name}, which is no longer a parameter")
        elif not form.fields[name].disabled and (problem := _fill_in_field(form, name, coded)):
            dropped.append(problem)
    return dropped


def _fill_in_field(form: forms.Form, name: str, coded: values.Coded) -> str:
    """Let the field show the kept value, as far as it can; what it cannot show, and why."""
    no_longer_taken = f"{name} {values.words(coded)}, which it no longer takes"
    try:
        value = values.decode(coded)
        texts = shown(form[name], value)
    except values.Lost as error:
        return f"{name}: {error}"
    except Exception:  # the field has changed since, and its widget cannot show this value
        return no_longer_taken
    if not all(map(is_text, chain(*texts.values()))):  # a page cannot show half a character
        return f"{name}, which has characters that are not text"
    form.initial[name] = value
    form[name].__dict__.pop("initial", None)
    return no_longer_taken if _is_partly_gone(form.fields[name].widget, value, texts) else ""


def _is_partly_gone(widget: forms.Widget, value: Any, texts: Texts) -> bool:
    """Whether a chosen option, or one of several, no longer exists."""
    if not isinstance(widget, ChoiceWidget):
        return False
    is_one = value is not None and value != ""
    chosen = len(value or ()) if takes_several(widget) else is_one
    return sum(map(len, texts.values())) < chosen
