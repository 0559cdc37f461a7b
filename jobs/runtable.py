"""What the workers of this host run now, for those who must know it without the database.

Each worker keeps a file. It is as true as the worker's lock: once that is free, the file of a dead
worker says nothing any more.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import conf

FOLDER = "slots"  # not beside the locks: who waits for one to be closed would be woken


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A step that a process runs, with everything that this process starts."""

    pid: int
    database: str  # which one holds its job: workers of several projects may share a directory
    job: int
    definition: str
    step: str
    attempt: int
    since: datetime

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Entry:
        return cls(**values | {"since": datetime.fromisoformat(values["since"])})


def write(lock_path: str, entries: Iterable[Entry]) -> None:
    """Replace what the worker of this lock has said before. Nobody reads half of it."""
    path = _path(lock_path)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps([entry.to_json() for entry in entries]))
    os.replace(aside, path)


def remove(lock_path: str) -> None:
    _path(lock_path).unlink(missing_ok=True)


def entries() -> Iterator[Entry]:
    """What the living workers of this host run."""
    directory = conf.run_directory()
    for path in (directory / FOLDER).glob("*.json"):
        with suppress(OSError, ValueError):
            if is_locked(directory / f"{path.stem}.lock"):
                yield from map(Entry.from_json, json.loads(path.read_text()))


def _path(lock_path: str) -> Path:
    lock = Path(lock_path)
    return lock.parent / FOLDER / f"{lock.stem}.json"


def is_locked(path: Path) -> bool:
    """Whether any process holds the lock on this file. Raises OSError when it cannot be opened."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # ``deaths`` says why not for writing
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
