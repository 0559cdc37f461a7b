"""What all commands owe to the terminal."""

from __future__ import annotations

import getpass
import io
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand


class TerminalCommand(BaseCommand):
    """A command whose words get through everywhere, and at once, also through a pipe.

    A sign that the terminal lacks becomes a ``?``.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace", line_buffering=True)
        return super().execute(*args, **options)


def who() -> str:
    """The name of the person at the terminal, or the number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
