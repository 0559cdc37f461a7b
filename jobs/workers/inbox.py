"""Cancel requests that reach the workers of this host although the database is locked.

A process that cannot write a request leaves it in a file. Every worker of the host looks there and
stops its own steps of that job. The first worker that can write journals the request and removes
the file. If all of them die first, the next worker that starts here does it.
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

from .. import conf, database, local_steps

SETTLED_NANOSECONDS = 50_000_000  # a file system's clock is coarse: two changes may look like one


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """A person asks that a job be cancelled."""

    job: int
    database: str  # which one has this job: projects may share a directory
    actor: str
    source: str
    at: datetime
    once: str  # the intent, as ``intents`` takes it

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> CancelRequest:
        values = json.loads(text)
        return cls(**values | {"at": datetime.fromisoformat(values["at"])})


def request_cancel(job_id: int, *, actor: Any, source: str, once: str = "") -> bool:
    """Ask the worker of this host that runs the job to cancel it; False when there is none."""
    here = database.name()
    if not any((step.job, step.database) == (job_id, here) for step in local_steps.read_all()):
        return False
    request = CancelRequest(
        job=job_id,
        database=here,
        actor=str(actor),
        source=source,
        at=datetime.now(UTC),
        once=once,
    )
    directory = _directory()
    directory.mkdir(mode=0o700, exist_ok=True)
    new = directory / f"{uuid.uuid4()}.new"
    with new.open("w") as file:
        file.write(request.to_json())
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, new.with_suffix(".json"))
    return True


class Inbox:
    """A worker's view of the requests. Reading it costs one system call while nothing is new."""

    def __init__(self) -> None:
        self._directory = _directory()
        self._changed_at = 0
        self._waiting: dict[Path, CancelRequest] = {}

    def read(self) -> list[CancelRequest]:
        """All requests that are not journaled yet."""
        try:
            changed_at = os.stat(self._directory).st_mtime_ns
        except FileNotFoundError:
            return []
        if changed_at != self._changed_at:
            is_settled = time.time_ns() - changed_at > SETTLED_NANOSECONDS
            self._changed_at = changed_at if is_settled else 0
            self._waiting = dict(_read_files())
        return list(self._waiting.values())

    def remove(self, request: CancelRequest) -> None:
        """It is journaled. Another worker may have removed it first."""
        for path in [path for path, waiting in self._waiting.items() if waiting == request]:
            path.unlink(missing_ok=True)
            del self._waiting[path]


def _directory() -> Path:
    return conf.run_directory() / "requests"


def _read_files() -> Iterator[tuple[Path, CancelRequest]]:
    here = database.name()
    for path in sorted(_directory().glob("*.json")):
        with suppress(FileNotFoundError, ValueError, TypeError):
            request = CancelRequest.from_json(path.read_text())
            if request.database == here:
                yield path, request
