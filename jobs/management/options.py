"""The parameters of a definition as options of ``launch``."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.forms import Form

from .. import definitions
from ..definitions.controls import Control, Kind, controls
from ..definitions.parameters import FromCommand

Definition = type[definitions.JobDefinition]

BAD_PARAMS = 2  # exit code
FROM_FILE = "Secret: read from the file PATH, or from standard input with -; else you are asked."


def names_of(definition: Definition) -> list[str]:
    """Each option of the definition, in the order of its form."""
    return [_option(control) for control in controls(definition.form())]


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
        if control.kind is Kind.PASSWORD:
            named["help"] = f"{help_text} {FROM_FILE}".lstrip()
            parser.add_argument(_option(control), metavar="PATH", **named)
            parser.add_argument(option, nargs="?", action=_Refused, help=argparse.SUPPRESS)
            continue
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


def read_secrets(definition: Definition, given: dict[str, Any]) -> None:
    """Put the secrets themselves in place of the files that were given for them.

    Asks for those without a file, if standard input is a terminal. Raises CommandError.
    """
    form = definition.form()
    secret = [control for control in controls(form) if control.kind is Kind.PASSWORD]
    if sum(given[_destination(control)] == "-" for control in secret) > 1:
        too_many = "Only one secret can be read from standard input."
        raise CommandError(too_many, returncode=BAD_PARAMS)
    for control in secret:
        path = given[_destination(control)]
        text = _asked_for(control, form) if path is None else _read_file(control, path)
        given[_destination(control)] = text


def _asked_for(control: Control, form: Form) -> str | None:
    bound = form[control.field]
    if sys.stdin.isatty():
        hint = "not shown" if bound.field.required else "optional, not shown"
        return getpass.getpass(f"{bound.label} ({hint}): ") or None
    if bound.field.required:
        raise CommandError(
            f"{_option(control)} is missing. Secrets are asked for only at a terminal.",
            returncode=BAD_PARAMS,
        )
    return None


def _read_file(control: Control, path: str) -> str:
    """The text of the file, or of standard input, without its last newline."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        text = f"{_option(control)} {path}: {error.strerror}."
        raise CommandError(text, returncode=BAD_PARAMS) from error
    text = raw.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")


class _Refused(argparse.Action):
    """An option whose value would be seen by everybody on this host."""

    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **named: Any) -> None:
        [option] = self.option_strings
        parser.error(
            f"{option} is secret, and others can read what is on the command line. Leave it out "
            f"to be asked for it, or give {option}-file PATH (- for standard input)."
        )


def _option(control: Control) -> str:
    """The option of the control: of a secret one, that for its file."""
    return option_of(control.option) + "-file" * (control.kind is Kind.PASSWORD)


def _destination(control: Control) -> str:
    return f"param_{control.option}"


def _texts(control: Control, value: Any) -> list[str]:
    """An option's value as the texts of its control; an empty text empties a selection."""
    if control.kind is Kind.FLAG:
        return ["on"] if value else []
    if control.kind is Kind.SEVERAL:
        return [] if value == [""] else list(value)
    return [value]
