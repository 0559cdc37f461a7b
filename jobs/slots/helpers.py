"""Processes that Python's own ``multiprocessing`` keeps for as long as a process lives.

They are nothing that a step has left running, and to kill them would break the next one.
"""

from __future__ import annotations

import os
import sys
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


def are_not_alone() -> bool:
    """Whether this process has other children that run. Zombies are buried on the way."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return not _descendants() <= set(pids())


def _descendants() -> set[int]:
    return {process.pid for process in processes.descendants(os.getpid())}


def end() -> None:
    """End them in the order that lets them put shared memory in order."""
    for helper, _ in _running():
        with suppress(Exception):
            helper._stop()
