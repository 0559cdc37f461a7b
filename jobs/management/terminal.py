"""What all commands owe to the terminal."""

from __future__ import annotations

import io
import sys
from typing import Any

from django.core.management.base import BaseCommand


class TerminalCommand(BaseCommand):
    """A command whose words get through everywhere: a sign the terminal lacks becomes a ``?``."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().execute(*args, **options)
