"""A worker's own presence: its row in the database and the lock that it holds.

The lock is an OS lock on a file. The kernel releases it however the worker ends. The heartbeat
counter is the content of that file, so that no database lock can keep a worker from beating, or
other processes of the host from seeing it. Other hosts read a counter in the worker's row.

A worker also judges itself, and sooner than others do: one that was frozen for two thirds of a
lease, or that had no answer from its database for as long, ends its steps. "Locked" is an answer.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from .. import code_version, conf, crashpoints, database, local_steps, news
from ..codes import Code, Fact
from ..database import Outage
from ..exceptions import DeclaredDead
from ..models import Worker
from ..queues import Served

COUNTER = struct.Struct("<Q")  # the content of a lock file


def register(
    *,
    slots: int,
    knows: dict[str, list[str]],
    queues: Served | None = None,
    only_job: int | None = None,
) -> Registration:
    """Take the lock, then write the row: a row without a held lock is a dead worker.

    *knows* are the names of the steps that the worker can run, by definition, *queues* those that
    it serves; without any it serves every queue.
    """
    news.preload()
    name = uuid.uuid4()
    path = conf.run_directory() / f"{name}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        worker = _write_row(
            uuid=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            slots=slots,
            queues=queues or {},
            knows=knows,
            only_job_id=only_job,
            code_version=code_version.current(),
            lock_path=str(path),
        )
    except BaseException:
        path.unlink()
        os.close(lock)
        raise
    return Registration(worker, lock)


def _write_row(**columns: Any) -> Worker:
    crashpoints.reach("register.before_begin")
    with database.write():
        worker = Worker.objects.create(**columns)
        crashpoints.reach("register.before_commit")
    crashpoints.reach("register.after_commit")
    return worker


@dataclass
class Registration:
    """A registered worker: its row, and the lock that it holds."""

    worker: Worker
    _lock: int
    _beats: int = 0  # in the lock file
    _row_beats: int = 0
    _beaten_at: float = field(default_factory=lambda: _clock())
    _answered_at: float = field(default_factory=lambda: _clock())
    _aside: database.SideConnection = field(default_factory=database.SideConnection)

    def beat(self) -> None:
        """Send one heartbeat to this host. It needs no database."""
        self._beats += 1
        os.pwrite(self._lock, COUNTER.pack(self._beats), 0)
        self._beaten_at = _clock()

    def beat_in_row(self) -> None:
        """Send one heartbeat to other hosts, without waiting for any lock.

        Raises DeclaredDead when the row is gone, deregistered or changed since the last heartbeat,
        and what the database raises, also when it is busy.
        """
        crashpoints.reach("beat.before_begin")
        began = _clock()
        try:
            found = self._aside.update(
                self._row(), beats=self._row_beats + 1, beat_at=timezone.now()
            )
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error) is not Outage.AWAY:
                self._answered_at = began
            raise
        crashpoints.reach("beat.after_commit")
        self._answered_at = began
        if not found:
            raise DeclaredDead(f"The worker {self.worker} was declared dead.")
        self._row_beats += 1

    def check(self) -> None:
        """Raise DeclaredDead as a heartbeat does, without writing.

        In an older copy of the database, the row's number may soon be another worker's.
        """
        began = _clock()
        is_known = self._row().exists()
        self._answered_at = began
        if not is_known:
            raise DeclaredDead(f"The worker {self.worker} is not in the database as it should be.")

    def _row(self) -> QuerySet[Worker]:
        """The row as the last heartbeat left it, or as one whose COMMIT got no answer did."""
        own = Worker.objects.filter(uuid=self.worker.uuid, stopped_at=None)
        return own.filter(beats__in=(self._row_beats, self._row_beats + 1))

    @property
    def lock(self) -> int:
        """The descriptor of the lock, which is free once no process has it open."""
        return self._lock

    @property
    def reason_to_stop(self) -> Fact | None:
        """Why others may soon declare this worker dead; None as long as they will not."""
        longest = conf.knobs().lease * 2 / 3
        if (frozen := _clock() - self._beaten_at) > longest:
            return Fact(Code.STEP_WORKER_FROZEN, {"seconds": frozen})
        if (away := _clock() - self._answered_at) > longest:
            return Fact(Code.STEP_WORKER_CUT_OFF, {"seconds": away})
        return None

    def deregister(self) -> None:
        """Record that this worker stops on purpose, and release the lock."""
        crashpoints.reach("deregister.before_begin")
        with database.write():
            own = Worker.objects.filter(uuid=self.worker.uuid, stopped_at=None)
            own.update(stopped_at=timezone.now())
            crashpoints.reach("deregister.before_commit")
        crashpoints.reach("deregister.after_commit")
        self.release()

    def release(self) -> None:
        """Release the lock and leave the row alone. Safe to repeat."""
        if self._lock >= 0:
            local_steps.remove(self.worker.lock_path)
            Path(self.worker.lock_path).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1
        self._aside.close()


def _clock() -> float:
    """Seconds that also pass while the machine sleeps: others may have counted them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
