"""Secret parameters: those of fields with a ``PasswordInput``.

Their values are kept apart from the others, and sealed. So is whatever contains one of them, and
all that the form's ``clean()`` adds.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django import forms
from django.forms.utils import ErrorList

from ..exceptions import SecretInError
from ..redaction import SHORTEST, Redactor
from . import values
from .controls import Texts, controls, suffixes
from .kept import Kept

KEPT_SEALED = (
    "Secret: kept encrypted until the job ends, then deleted; replaced by *** in what the steps "
    f"write, unless it has fewer than {SHORTEST} characters."
)
_EMPTY = (None, "")  # kept as it is: there is nothing to hide


def is_secret(field: forms.Field) -> bool:
    """Whether one of the field's controls is a ``PasswordInput``."""
    return any(isinstance(widget, forms.PasswordInput) for _, widget in suffixes(field.widget))


def names_of(fields: Mapping[str, forms.Field]) -> set[str]:
    """The names of the secret fields."""
    return {name for name, field in fields.items() if is_secret(field)}


def controls_of(form: forms.Form) -> set[str]:
    """The names of the controls of secret fields."""
    names = names_of(form.fields)
    return {control.name for control in controls(form) if control.field in names}


def for_page(form: forms.Form) -> forms.Form:
    """The form, as a page shows it: it says what becomes of secrets, and has none in it."""
    for name in names_of(form.fields):
        field = form.fields[name]
        field.help_text = " ".join(filter(None, (str(field.help_text), KEPT_SEALED)))
        for _, widget in suffixes(field.widget):
            if isinstance(widget, forms.PasswordInput):
                widget.render_value = False
                widget.attrs.setdefault("autocomplete", "off")
    if form.is_bound:
        hide = Redactor(typed_into(form, ()))
        with guarded(hide):
            hide_errors(form, hide)
    return form


def typed_into(form: forms.Form, given: Iterable[Any]) -> list[str]:
    """What was typed into the secret fields of a bound form, and the *given* values as text."""
    data: Any = form.data
    texts = [text for name in controls_of(form) for text in data.getlist(name)]
    return [*filter(None, texts), *(str(value) for value in given if value is not None)]


def hide_errors(form: forms.Form, hide: Redactor) -> None:
    """Hide secrets in the messages of the form."""
    for name, texts in form.errors.items() if hide else ():
        if any(hide.is_in(str(text)) for text in texts):
            hidden = [hide(str(text)) for text in texts]
            form.errors[name] = ErrorList(hidden, renderer=form.renderer)


def texts_in(coded: values.Coded) -> Iterator[str]:
    """The texts and numbers of a kept value, without the names of its types."""
    match coded:
        case bool() | None:
            return
        case str() | int() | float():
            yield str(coded)
        case list():
            for item in coded:
                yield from texts_in(item)
        case {"$dict": pairs}:
            yield from texts_in([value for _, value in pairs])
        case {"$bytes": _}:
            yield values.decode(coded).decode("utf-8", "backslashreplace")
        case dict():
            yield from texts_in(list(coded.values()))


def take_out(kept: Kept, names: Collection[str], typed: Iterable[str]) -> tuple[Kept, Redactor]:
    """Move what is secret out of *kept*, where a mark is left; *names* are the secret fields.

    Returns the values of the ``secret`` fields with what is sealed ``beside`` them, nothing when
    they are empty, and what hides the values and all that was *typed* there.
    """
    fields, added, read = kept["fields"], kept["added"], kept["read"]
    secret = {name: fields[name] for name in names & fields.keys() if fields[name] not in _EMPTY}
    for name in read.keys() & names:
        del read[name]
    if not secret:
        return {}, Redactor()
    hide = Redactor([*typed, *texts_in(list(secret.values()))])
    others = [(name, coded) for part in (fields, read) for name, coded in part.items()]
    beside = added | {
        name: fields.get(name)
        for name, coded in others
        if name not in secret and any(map(hide.is_in, texts_in(coded)))
    }
    for part in (fields, added):
        marked = part.keys() & (secret.keys() | beside.keys())
        part.update(dict.fromkeys(marked, values.SECRET))
    for name in read.keys() & beside.keys():
        del read[name]
    return {"secret": secret, "beside": beside}, hide


def public(typed: Texts, form: forms.Form, hide: Redactor) -> Texts:
    """The text that was typed, without that of secret fields and what contains it."""
    its = controls_of(form)
    return {
        name: texts
        for name, texts in typed.items()
        if name not in its and not any(map(hide.is_in, texts))
    }


def redactor_of(secret: Mapping[str, values.Coded]) -> Redactor:
    """Hides the values of secret fields."""
    return Redactor(texts_in(list(secret.values())))


@contextmanager
def guarded(hide: Redactor) -> Iterator[None]:
    """Let no error of the project's own code out that has a secret in its text."""
    try:
        yield
    except Exception as error:
        if not (hide and hide.is_in("".join(traceback.format_exception(error)))):
            raise
        told = SecretInError(type(error).__name__, hide(str(error)))
        raise told.with_traceback(error.__traceback__) from None
