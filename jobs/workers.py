"""Signs of life: which workers live, and what they know how to run.

A worker holds an OS lock on a file of its own for as long as it lives; the kernel releases it
however the worker ends. On the worker's own host, a lock that is free means: dead, at once and
without a clock. Otherwise a worker is dead when its count of beats has stood still for a lease, by
the observer's clock alone, and only time in which the observer could look is counted.

A worker judges itself, too, and sooner than others do: one that could not beat for two thirds of a
lease ends what it runs.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from . import conf, crashpoints, database, feed
from .exceptions import DeclaredDead
from .models import Worker


@dataclass
class Post:
    """A worker that has signed on: its row, and the lock that it holds."""

    worker: Worker
    _lock: int
    _beats: int = 0
    _beaten_at: float = field(default_factory=lambda: _clock())

    def beat(self) -> None:
        """Count one more sign of life.

        Raises DeclaredDead when the row is gone, signed off, or not as the last beat left it.
        """
        began = _clock()
        os.utime(self._lock)  # the file is in use: no cleaner of old files may take it
        crashpoints.reach("beat.before_begin")
        with database.write():
            if not self._row().update(beats=self._beats + 1, beat_at=timezone.now()):
                raise DeclaredDead(f"The worker {self.worker} was declared dead.")
            crashpoints.reach("beat.before_commit")
        crashpoints.reach("beat.after_commit")
        self._beats += 1
        self._beaten_at = began

    def look(self) -> None:
        """Raises DeclaredDead as a beat does, and writes nothing.

        In an older copy of the database the row's number may soon be another worker's.
        """
        if not self._row().exists():
            raise DeclaredDead(f"The worker {self.worker} is not as it was in the database.")

    def _row(self) -> QuerySet[Worker]:
        """The row as the last beat left it, or the one before whose COMMIT was not answered."""
        mine = Worker.objects.filter(uuid=self.worker.uuid, stopped_at=None)
        return mine.filter(beats__in=(self._beats, self._beats + 1))

    @property
    def lock(self) -> int:
        """The descriptor of the lock, which is free once nobody has it open any more."""
        return self._lock

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life that arrived."""
        return _clock() - self._beaten_at

    @property
    def must_stop(self) -> bool:
        """Whether others may soon take this worker for dead."""
        return self.silence > conf.knobs().lease * 2 / 3

    def sign_off(self) -> None:
        """Say that this worker stops on purpose."""
        crashpoints.reach("sign_off.before_begin")
        with database.write():
            mine = Worker.objects.filter(uuid=self.worker.uuid, stopped_at=None)
            mine.update(stopped_at=timezone.now())
            crashpoints.reach("sign_off.before_commit")
        crashpoints.reach("sign_off.after_commit")
        self.abandon()

    def abandon(self) -> None:
        """Let go of the lock; harmless to repeat."""
        if self._lock >= 0:
            Path(self.worker.lock_path).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1


def _clock() -> float:
    """Seconds that also pass while the machine sleeps: others may have counted them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def sign_on(*, slots: int, knows: dict[str, list[str]], only_job: int | None = None) -> Post:
    """Take the lock, then write the row: a row without a held lock is a dead worker."""
    feed.get_ready()
    name = uuid.uuid4()
    path = conf.run_directory() / f"{name}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    crashpoints.reach("sign_on.before_begin")
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
        crashpoints.reach("sign_on.before_commit")
    crashpoints.reach("sign_on.after_commit")
    return Post(worker, lock)


@dataclass
class _Watched:
    """What this process has seen of a worker's beats, in seconds of its own clock."""

    beats: int
    looked_at: float
    silent: float = 0.0  # seconds without a beat, of those in which this process could look
    unseen: float = 0.0  # seconds before that, in which the last beat came at some time


_watched: dict[uuid.UUID, _Watched] = {}  # a restored database gives numbers out again


def is_alive(worker: Worker) -> bool:
    """Whether the worker lives, as far as this process can tell. Wants a row just read."""
    return not is_gone(worker) and silence(worker) < conf.knobs().lease


def is_gone(worker: Worker) -> bool:
    """Whether it is certain that the worker has ended."""
    if worker.stopped_at is not None:
        return True
    return worker.host == socket.gethostname() and _holds_lock(worker.lock_path) is False


def silence(worker: Worker) -> float:
    """Seconds for which its count of beats has stood still, of those that were watched.

    Who could not look for a while, because the database was away or the machine asleep, has not
    seen that there was no beat. Wants a row just read.
    """
    return _watch(worker).silent


def _watch(worker: Worker) -> _Watched:
    """What is known of its beats after one more look at them."""
    now = time.monotonic()
    seen = _watched.get(worker.uuid)
    if seen is None or seen.beats != worker.beats:
        unseen = now - seen.looked_at if seen else 0.0
        is_known = unseen < conf.knobs().lease / 2
        seen = _Watched(worker.beats, now, unseen=unseen if is_known else 0.0)
        _watched[worker.uuid] = seen
    else:
        seen.silent += min(now - seen.looked_at, conf.knobs().lease / 3)
        seen.looked_at = now
    return seen


def is_late(worker: Worker) -> bool:
    """Whether half a lease may have passed since the last beat: time to warn, not to decide."""
    seen = _watch(worker)
    return seen.silent + seen.unseen > conf.knobs().lease / 2


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
    workers = list(Worker.objects.filter(stopped_at=None))
    for ended in _watched.keys() - {worker.uuid for worker in workers}:
        _watched.pop(ended, None)  # another thread may have been faster
    return [worker for worker in workers if is_alive(worker)]


def sign_off_the_dead() -> None:
    """Mark the workers that ended without saying so; they learn of it at their next beat."""
    for worker in Worker.objects.filter(stopped_at=None):
        if not is_alive(worker):
            crashpoints.reach("bury.before_begin")
            with database.write():
                unchanged = Worker.objects.filter(pk=worker.pk, beats=worker.beats)
                unchanged.update(stopped_at=timezone.now())
                crashpoints.reach("bury.before_commit")
            crashpoints.reach("bury.after_commit")
            if worker.host == socket.gethostname():
                Path(worker.lock_path).unlink(missing_ok=True)


def who_takes(job_id: int, among: Iterable[Worker]) -> list[Worker]:
    """Those of *among* that take steps of this job: some work for one job alone."""
    return [worker for worker in among if worker.only_job_id in (None, job_id)]


class Known:
    """Which steps at least one of some workers knows and takes."""

    def __init__(self, crew: Iterable[Worker]) -> None:
        self._names: dict[tuple[int | None, str], set[str]] = {}
        for worker in crew:
            for definition, names in worker.knows.items():
                self._names.setdefault((worker.only_job_id, definition), set()).update(names)

    def has(self, job_id: int, definition: str, step: str) -> bool:
        """Whether a step of that name in this job is known."""
        return any(step in self._names.get((whose, definition), ()) for whose in (None, job_id))


def knows_steps(worker: Worker, definition: str, steps: Collection[str]) -> bool:
    """Whether the worker knows all these steps of the definition."""
    return set(steps) <= set(worker.knows.get(definition, ()))
