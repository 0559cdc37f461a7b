"""What all commands owe to the terminal."""

from __future__ import annotations

import errno
import getpass
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper
from rich.console import Console

from ..text import without_marks

WIDTH_OF_A_FILE = 160  # characters; a terminal has its own


class Words(OutputWrapper):
    """What a command writes. When nobody reads it any more, it goes nowhere, and is no error.

    Marks of direction are left out: they would reorder what is written beside them.
    """

    def write(  # type: ignore[override]  # as Django's own
        self, msg: str = "", style_func: Any = None, ending: str | None = None
    ) -> None:
        with self._unless_gone():
            super().write(without_marks(msg), style_func, ending)

    def flush(self) -> None:
        with self._unless_gone():
            super().flush()

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        """The terminal was closed, or the reader of the pipe has ended."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EPIPE):
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


class TerminalCommand(BaseCommand):
    """A command whose words get through everywhere, and at once, also through a pipe.

    A sign that the terminal lacks becomes a ``?``.
    """

    def __init__(self, stdout: Any = None, stderr: Any = None, **named: Any) -> None:
        super().__init__(stdout, stderr, **named)
        style = self.stderr.style_func
        self.stdout = Words(stdout or sys.stdout)
        self.stderr = Words(stderr or sys.stderr)
        self.stderr.style_func = style

    def execute(self, *args: Any, **options: Any) -> str | None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace", line_buffering=True)
        return super().execute(*args, **options)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """No checks of databases: to Django's, one that cannot be written to lacks features.

        Each command looks itself whether it can use the database, and says why not.
        """
        kwargs: Any = super().get_check_kwargs(options)
        return kwargs | {"databases": []}


def console_of(stream: Any) -> Console:
    """What rich draws on: a command's output, where nothing that a step says is markup."""
    stream.ending = ""  # Django would end everything that is written with a newline
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def can_draw(stream: Any) -> bool:
    """Whether a picture can be drawn anew in place: a terminal that is not dumb."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def on_hangup(react: Callable[[], None]) -> None:
    """Call *react* when the terminal is closed; not under ``nohup``, which means to go on."""
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: react())


def who() -> str:
    """The name of the person at the terminal, or the number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
