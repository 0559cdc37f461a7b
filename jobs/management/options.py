"""The parameters of a definition as options of ``launch``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from .. import definitions
from ..definitions.controls import Control, Kind, controls
from ..definitions.parameters import FromCommand

Definition = type[definitions.JobDefinition]


def names_of(definition: Definition) -> list[str]:
    """Each option of the definition, in the order of its form."""
    return [option_of(control.option) for control in controls(definition.form())]


def option_of(name: str) -> str:
    """The option for a field or a control: ``--dry-run`` for ``dry_run``."""
    return f"--{name.replace('_', '-')}"


def add_options(parser: CommandParser, definition: Definition) -> None:
    """One option for each control of the form.

    Raises argparse.ArgumentError when two have the same name.
    """
    form = definition.form()
    known = {control.option for control in controls(form)}
    for control in controls(form):
        bound = form[control.field]
        option = option_of(control.option)
        help_text = str(bound.help_text or bound.label or "").replace("%", "%%")
        named: dict[str, Any] = {"dest": _destination(control), "help": help_text}
        if control.kind is not Kind.FLAG:
            action = "append" if control.kind is Kind.SEVERAL else "store"
            parser.add_argument(option, action=action, metavar="VALUE", **named)
            continue
        parser.add_argument(option, action="store_true", default=None, **named)
        if bound.initial and f"no_{control.option}" not in known:
            negative = option_of(f"no_{control.option}")
            parser.add_argument(negative, action="store_false", dest=named["dest"])


def texts_of(definition: Definition, given: dict[str, Any]) -> FromCommand:
    """What the options that were given mean, as the form reads it from a page."""
    return FromCommand(
        {
            control.name: _texts(control, value)
            for control in controls(definition.form())
            if (value := given[_destination(control)]) is not None
        }
    )


def _destination(control: Control) -> str:
    return f"param_{control.option}"


def _texts(control: Control, value: Any) -> list[str]:
    """An option's value as the texts of its control; an empty text empties a selection."""
    if control.kind is Kind.FLAG:
        return ["on"] if value else []
    if control.kind is Kind.SEVERAL:
        return [] if value == [""] else list(value)
    return [value]
