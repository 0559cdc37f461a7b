"""Processes that Python's ``multiprocessing`` keeps for as long as a process lives.

A step did not leave them running, and killing them would break the next step.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container
from contextlib import suppress
from typing import Any

from ..system import processes

_KEPT = (
    ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
)


def _running() -> list[tuple[Any, int]]:
    """Each helper of this process, and its pid."""
    found = []
    for module, name, pid in _KEPT:
        helper = getattr(sys.modules.get(module), name, None)
        if number := getattr(helper, pid, None):
            found.append((helper, number))
    return found


def pids() -> list[int]:
    return [pid for _, pid in _running()]


def are_not_alone(pids: Container[int]) -> bool:
    """Whether this process has other running children than these. Reaps the ended ones."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return any(each.pid not in pids for each in processes.descendants(os.getpid()))


def end() -> None:
    """End them in the order in which they can release shared memory."""
    for helper, _ in _running():
        with suppress(Exception):
            helper._stop()
