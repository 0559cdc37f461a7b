"""The controls of a form: what a browser sends of each, and what a command offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.widgets import MultiWidget

Texts = dict[str, list[str]]  # by control


class Kind(StrEnum):
    TEXT = "text"
    FLAG = "flag"  # sent or not sent
    SEVERAL = "several"
    PASSWORD = "password"  # noqa: S105  (the kind of a control)


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control of a form, as a browser sends it and a command offers it."""

    name: str  # under which its text is sent
    field: str
    option: str  # the field's name and what tells its controls apart
    widget: forms.Widget

    @property
    def kind(self) -> Kind:
        if isinstance(self.widget, forms.CheckboxInput):
            return Kind.FLAG
        if isinstance(self.widget, forms.PasswordInput):
            return Kind.PASSWORD
        return Kind.SEVERAL if takes_several(self.widget) else Kind.TEXT


def controls(form: forms.Form) -> Iterator[Control]:
    """The controls of a form, without those of disabled fields."""
    for bound in form:
        if not bound.field.disabled:
            for suffix, widget in suffixes(bound.field.widget):
                yield Control(
                    name=bound.html_name + suffix,
                    field=bound.name,
                    option=bound.name + suffix,
                    widget=widget,
                )


def suffixes(widget: forms.Widget) -> Iterator[tuple[str, forms.Widget]]:
    """Each control of a widget, with the suffix of its name."""
    if not isinstance(widget, MultiWidget):
        yield "", widget
        return
    names: list[str] = widget.widgets_names  # type: ignore[attr-defined]
    for suffix, part in zip(names, widget.widgets, strict=True):
        for further, control in suffixes(part):
            yield suffix + further, control


def takes_several(widget: forms.Widget) -> bool:
    return isinstance(widget, forms.MultipleHiddenInput) or bool(
        getattr(widget, "allow_multiple_selected", False)
    )


def errors_of_texts(name: str, widget: forms.Widget, texts: list[str]) -> dict[str, list[str]]:
    """Text that no browser sends for a box, and that the form would read as another value."""
    known = ["true", "false"]
    if isinstance(widget, forms.CheckboxInput):
        known += ["on", "True", "False", str(widget.attrs.get("value", "on"))]
    elif isinstance(widget, forms.NullBooleanSelect):
        known += ["unknown", "True", "False", "2", "3"]
    else:
        return {}
    strange = [text for text in texts if text and text not in known]
    return {name: [f"{strange[0]!r} is none of {', '.join(known[:3])}."]} if strange else {}


def is_text(value: str) -> bool:
    """False for the placeholders that a command line has for bytes that are not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(bound: BoundField, value: Any) -> Texts:
    """What a browser sends for a field that shows *value*, by control."""
    widget = bound.field.widget
    widget.is_localized = widget.is_localized or bound.field.localize
    context = widget.get_context(bound.html_name, bound.field.prepare_value(value), {})
    sent: Texts = {}
    for name, text in _sent(context["widget"]):
        sent.setdefault(name, []).extend([] if text is None else [text])
    return sent


def _sent(control: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each text that a control sends; None when it may send nothing."""
    name = control["name"]
    if "subwidgets" in control:
        for part in control["subwidgets"]:
            yield from _sent(part)
    elif "optgroups" in control:
        yield name, None
        for _, options, _ in control["optgroups"]:
            yield from ((name, str(each["value"])) for each in options if each["selected"])
    elif control.get("type") in ("checkbox", "radio"):
        yield name, str(control["value"] or "on") if control["attrs"].get("checked") else None
    else:
        text = "" if control["value"] is None else str(control["value"])
        is_textarea = "type" not in control
        yield name, re.sub("\r\n?|\n", "\r\n" if is_textarea else "", text)


def takes_a_file(field: forms.Field) -> bool:
    """Whether the field, or a part of it, takes an upload; uploads are not kept."""
    parts: Iterable[forms.Field] = getattr(field, "fields", ())  # of several controls or checks
    return (
        isinstance(field, forms.FileField)
        or _is_for_files(field.widget)
        or any(map(takes_a_file, parts))
    )


def _is_for_files(widget: forms.Widget) -> bool:
    parts = widget.widgets if isinstance(widget, MultiWidget) else ()
    return isinstance(widget, forms.FileInput) or any(map(_is_for_files, parts))
