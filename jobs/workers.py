"""Signs of life: which workers live, and what they know how to run.

A worker holds an OS lock on a file of its own for as long as it lives; the kernel releases it
however the worker ends. On the worker's own host, a lock that is free means: dead, at once and
without a clock. Seen from elsewhere it is dead when its count of beats has stood still for a lease,
by the observer's clock alone.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db.models import F
from django.utils import timezone

from . import conf, database
from .models import Worker


@dataclass
class Post:
    """A worker that has signed on: its row, and the lock that it holds."""

    worker: Worker
    _lock: int

    def beat(self) -> None:
        """Count one more sign of life."""
        os.utime(self._lock)  # the file is in use: no cleaner of old files may take it
        with database.write():
            Worker.objects.filter(pk=self.worker.pk).update(beats=F("beats") + 1)

    def sign_off(self) -> None:
        """Say that this worker stops on purpose."""
        with database.write():
            Worker.objects.filter(pk=self.worker.pk).update(stopped_at=timezone.now())
        Path(self.worker.lock_path).unlink(missing_ok=True)
        os.close(self._lock)


def sign_on(*, slots: int, knows: dict[str, list[str]], only_job: int | None = None) -> Post:
    """Take the lock, then write the row: a row without a held lock is a dead worker."""
    name = uuid.uuid4()
    path = conf.run_directory() / f"{name}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with database.write():
        worker = Worker.objects.create(
            uuid=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            slots=slots,
            knows=knows,
            only_job_id=only_job,
            lock_path=str(path),
        )
    return Post(worker, lock)


_last_beats: dict[int, tuple[int, float]] = {}  # worker → beats, since when (monotonic seconds)


def is_alive(worker: Worker) -> bool:
    """Whether the worker lives, as far as this process can tell. Wants a row just read."""
    if worker.stopped_at is not None:
        return False
    if worker.host == socket.gethostname():
        holds_lock = _holds_lock(worker.lock_path)
        if holds_lock is not None:
            return holds_lock
    return _has_beaten(worker)


def _has_beaten(worker: Worker) -> bool:
    """Whether its count of beats rose within the lease; yes until it was watched for so long."""
    now = time.monotonic()
    beats, since = _last_beats.get(worker.pk, (-1, now))
    if worker.beats != beats:
        since = now
    _last_beats[worker.pk] = (worker.beats, since)
    return now - since < conf.knobs().lease


def _holds_lock(path: str) -> bool | None:
    """Whether any process holds the lock; None when the file cannot be seen from here."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def living() -> list[Worker]:
    """Every worker that is alive now."""
    return [worker for worker in Worker.objects.filter(stopped_at=None) if is_alive(worker)]


def sign_off_the_dead() -> None:
    """Mark the workers that ended without saying so."""
    for worker in Worker.objects.filter(stopped_at=None):
        if not is_alive(worker):
            with database.write():
                Worker.objects.filter(pk=worker.pk).update(stopped_at=timezone.now())
            Path(worker.lock_path).unlink(missing_ok=True)


def who_takes(job_id: int, among: Iterable[Worker]) -> list[Worker]:
    """Those of *among* that take steps of this job: some work for one job alone."""
    return [worker for worker in among if worker.only_job_id in (None, job_id)]


def knows_step(worker: Worker, definition: str, step: str) -> bool:
    return step in worker.knows.get(definition, ())
