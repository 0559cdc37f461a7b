"""Names the process that holds the lock which every writer of the database waits for.

A process that a worker of this host started belongs to the step that the worker says.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from .. import local_steps
from ..local_steps import LocalStep
from .dialects import dialect

Sentence = list[str | datetime]  # whoever shows it formats the moments in it

LOOK_SECONDS = 0.02  # between two looks at who holds the lock
KNOWN_SECONDS = 1.0  # for which an answer is kept
SHOWN_CHARACTERS = 80  # of a command


@dataclass(frozen=True)
class Holder:
    """A process that keeps all others from writing."""

    name: str
    entry: LocalStep | None = None  # the step that it belongs to

    def sentence(self) -> Sentence:
        if self.entry is None:
            return [self.name]
        return [f"{self.name} ({self.entry.definition}), which runs since ", self.entry.since]

    def __str__(self) -> str:
        return "".join(
            part if isinstance(part, str) else f"{part.astimezone(UTC):%H:%M:%S} UTC"
            for part in self.sentence()
        )


def holder() -> Holder | None:
    """Who holds the lock now; None when it is free, or when this system does not say."""
    found = dialect().writer()
    if isinstance(found, int):
        return _of_process(found)
    return Holder(found) if found else None


_known: tuple[float, Holder | None] = (-KNOWN_SECONDS, None)


def long_holder() -> Holder | None:
    """Who holds the lock for longer than Truestep itself does, as of the last second."""
    global _known
    looked_at, found = _known
    if time.monotonic() - looked_at >= KNOWN_SECONDS:
        found = _long_holder()
        _known = (time.monotonic(), found)
    return found


def _long_holder() -> Holder | None:
    first = holder()
    for _ in range(dialect().writer_looks - 1):
        if first is None or holder() != first:
            return None
        time.sleep(LOOK_SECONDS)
    return first


def lock_sentence() -> Sentence:
    """Says who has held the lock for long; empty when no one has."""
    found = long_holder()
    if found is None:
        return []
    return [
        "The database is locked by ",
        *found.sentence(),
        ". What others do meanwhile is kept, and written afterwards.",
    ]


def _of_process(pid: int) -> Holder:
    family = {pid, *_ancestors(pid)}
    for entry in local_steps.read_all():
        if entry.pid in family:
            return Holder(f"step {entry.step} of job {entry.job}", entry)
    return Holder(f"process {pid} ({_command(pid)})")


def _ancestors(pid: int) -> list[int]:
    try:
        return [parent.pid for parent in psutil.Process(pid).parents()]
    except psutil.Error:
        return []


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())[:SHOWN_CHARACTERS] or "no command"
    except psutil.Error:
        return "it has just ended"
