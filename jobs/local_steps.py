"""Which steps the workers of this host run, for processes that cannot ask the database.

Each worker keeps a file with its running steps. The file counts only while the worker's lock is
held: a free lock means that the worker is dead.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import conf

FOLDER = "slots"  # apart from the locks: a file closed beside them would look like a worker's exit
PUBLISH_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class LocalStep:
    """A step that runs in a process of this host and in the processes that it starts."""

    pid: int
    database: str  # which one has its job: workers of several projects may share a directory
    job: int
    definition: str
    step: str
    attempt: int
    since: datetime

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> LocalStep:
        return cls(**values | {"since": datetime.fromisoformat(values["since"])})


class Publisher:
    """Writes the steps of the worker with this lock when they have changed, and not too often."""

    def __init__(self, lock_path: str) -> None:
        self._lock_path = lock_path
        self._published: list[LocalStep] = []
        self._next = 0.0

    def publish(self, running: Callable[[], list[LocalStep]]) -> None:
        """Write what *running* returns. Steps that end within PUBLISH_SECONDS may be left out."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PUBLISH_SECONDS
        if (steps := running()) != self._published:
            write(self._lock_path, steps)
            self._published = steps


def write(lock_path: str, steps: Iterable[LocalStep]) -> None:
    """Replace the steps of the worker with this lock. No reader sees half a file."""
    path = _path(lock_path)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps([step.to_json() for step in steps]))
    os.replace(new, path)


def remove(lock_path: str) -> None:
    _path(lock_path).unlink(missing_ok=True)


def read_all() -> Iterator[LocalStep]:
    """The steps that the living workers of this host run."""
    directory = conf.run_directory()
    for path in (directory / FOLDER).glob("*.json"):
        with suppress(OSError, ValueError):
            if is_locked(directory / f"{path.stem}.lock"):
                yield from map(LocalStep.from_json, json.loads(path.read_text()))


def _path(lock_path: str) -> Path:
    lock = Path(lock_path)
    return lock.parent / FOLDER / f"{lock.stem}.json"


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on this file. Raises OSError when it cannot be opened."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # workers.exits says why not for writing
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
