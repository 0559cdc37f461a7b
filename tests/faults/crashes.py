"""The parent's side of the crash server.

The crash server (``crash_server.py``) is a process with every app loaded and no connection. For
each request it forks a child (``crash_child.py``) that sets up a situation
(``crash_situations.py``) and performs an operation; the fault happens at one of its crash points.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


class CrashServer:
    """The process that forks children; they share the database of the test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash_server"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, operation: str, point: str = "", fault: str = "") -> dict[str, Any]:
        """Let a child live; all that it said, and as ``code`` how it ended."""
        self._process.stdin.write(json.dumps([operation, point, fault]) + "\n")
        self._process.stdin.flush()
        output: dict[str, Any] = {}
        while "code" not in output:
            output |= json.loads(self._process.stdout.readline())
        return output

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
