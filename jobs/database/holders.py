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
from ..sentences import Sentence, sentence
from .dialects import dialect

LOOK_SECONDS = 0.02  # between two looks at who holds the lock
KNOWN_SECONDS = 1.0  # for which an answer is kept
SHOWN_CHARACTERS = 80  # of a command


@dataclass(frozen=True)
class Holder:
    """A process that keeps all others from writing."""

    name: str
    step: LocalStep | None = None  # the step that it belongs to

    def sentence(self) -> Sentence:
        """What it is called in the middle of a sentence."""
        if self.step is None:
            return [self.name]
        return sentence(
            "{name} ({definition}), which has run since {since}",
            name=self.name,
            definition=self.step.definition,
            since=self.step.since,
        )

    def __str__(self) -> str:
        return "".join(
            f"{piece.astimezone(UTC):%H:%M:%S} UTC" if isinstance(piece, datetime) else str(piece)
            for piece in self.sentence()
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
        ". What other steps do meanwhile is kept, and written afterwards.",
    ]


def _of_process(pid: int) -> Holder:
    family = {pid, *_ancestors(pid)}
    for step in local_steps.read_all():
        if step.pid in family:
            return Holder(f"step {step.step} of job {step.job}", step)
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
