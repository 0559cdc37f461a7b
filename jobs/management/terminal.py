"""What all commands share on the terminal: output, signals, and who sits there."""

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


class TerminalOutput(OutputWrapper):
    """A command's output. Once its reader is gone it is discarded, which is no error.

    Marks of direction are left out: they would reorder the text beside them.
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
    """A command whose output appears immediately everywhere, also through a pipe.

    A character that the terminal lacks becomes a ``?``.
    """

    def __init__(self, stdout: Any = None, stderr: Any = None, **named: Any) -> None:
        super().__init__(stdout, stderr, **named)
        style = self.stderr.style_func
        self.stdout = TerminalOutput(stdout or sys.stdout)
        self.stderr = TerminalOutput(stderr or sys.stderr)
        self.stderr.style_func = style

    def execute(self, *args: Any, **options: Any) -> str | None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace", line_buffering=True)
        return super().execute(*args, **options)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """No database checks: to Django's, a locked database lacks features.

        Each command finds out itself whether it can use the database, and says why not.
        """
        kwargs: Any = super().get_check_kwargs(options)
        return kwargs | {"databases": []}


def console_of(stream: Any) -> Console:
    """Rich's console on a command's output; nothing that a step says is markup."""
    stream.ending = ""  # Django would end everything that is written with a newline
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def can_draw(stream: Any) -> bool:
    """Whether text can be redrawn in place: it is a terminal, and no dumb one."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def on_hangup(react: Callable[[], None]) -> None:
    """Call *react* when the terminal is closed, but not under ``nohup``."""
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: react())


def who() -> str:
    """The name of the user at the terminal, or the number of a user without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
