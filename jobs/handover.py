"""Cancels that reach the workers of this host although the database is locked.

Who cannot write a request leaves it in a file. Every worker of the host looks: it stops its own
steps of that job at once, and whichever can write first journals the request and removes the file.
A file that is left, because all of them died, is for the next worker that starts here.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import conf, database, runtable

SETTLED_NANOSECONDS = 50_000_000  # a file system's clock is coarse: two changes may look like one


@dataclass(frozen=True, kw_only=True)
class Request:
    """A person's wish that a job be cancelled."""

    job: int
    database: str  # that has this job: projects may share a directory
    actor: str
    source: str
    at: datetime
    once: str  # the intent, as ``intents`` wants it

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Request:
        values = json.loads(text)
        return cls(**values | {"at": datetime.fromisoformat(values["at"])})


def hand_over(job_id: int, *, actor: Any, source: str, once: str = "") -> bool:
    """Ask the worker of this host that runs the job to cancel it; False when there is none."""
    mine = database.name()
    if not any((entry.job, entry.database) == (job_id, mine) for entry in runtable.entries()):
        return False
    request = Request(
        job=job_id,
        database=mine,
        actor=str(actor),
        source=source,
        at=datetime.now(UTC),
        once=once,
    )
    directory = _directory()
    directory.mkdir(mode=0o700, exist_ok=True)
    aside = directory / f"{uuid.uuid4()}.new"
    with aside.open("w") as file:
        file.write(request.to_json())
        file.flush()
        os.fsync(file.fileno())
    os.rename(aside, aside.with_suffix(".json"))
    return True


class Inbox:
    """What a worker is asked for; a look costs one call of the system while nothing is new."""

    def __init__(self) -> None:
        self._changed_at = 0
        self._waiting: dict[Path, Request] = {}

    def look(self) -> list[Request]:
        """All that is not journaled yet."""
        try:
            changed_at = os.stat(_directory()).st_mtime_ns
        except FileNotFoundError:
            return []
        if changed_at != self._changed_at:
            is_settled = time.time_ns() - changed_at > SETTLED_NANOSECONDS
            self._changed_at = changed_at if is_settled else 0
            self._waiting = dict(_read())
        return list(self._waiting.values())

    def done(self, request: Request) -> None:
        """It is journaled. Another worker may have been as fast."""
        for path in [path for path, waiting in self._waiting.items() if waiting == request]:
            path.unlink(missing_ok=True)
            del self._waiting[path]


def _directory() -> Path:
    return conf.run_directory() / "requests"


def _read() -> Iterator[tuple[Path, Request]]:
    mine = database.name()
    for path in sorted(_directory().glob("*.json")):
        with suppress(FileNotFoundError, ValueError, TypeError):
            request = Request.from_json(path.read_text())
            if request.database == mine:
                yield path, request
