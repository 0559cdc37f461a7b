"""Signs of life: which workers live, and what they know how to run.

A worker holds an OS lock on a file of its own for as long as it lives; the kernel releases it
however the worker ends. On the worker's own host, a lock that is free means: dead, at once and
without a clock. Otherwise a worker is dead when its count of beats has stood still for a lease, by
the observer's clock alone, and only time in which the observer could look is counted.

The count is the content of the lock file, so that no lock of the database can keep a worker from
beating, or an observer from seeing it. Who cannot see that file, on another host, looks at the
worker's row instead. A row may stand still because somebody has locked it: such time does not
count.

A worker judges itself, too, and sooner than others do: one that was frozen for two thirds of a
lease, or for as long had no answer from its database, ends what it runs. "Locked" is an answer.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from . import conf, crashpoints, database, news, runtable, times
from .database import Trouble
from .exceptions import DeclaredDead
from .models import Worker

_COUNT = struct.Struct("<Q")  # the content of a lock file


@dataclass
class Post:
    """A worker that has signed on: its row, and the lock that it holds."""

    worker: Worker
    _lock: int
    _beats: int = 0  # in the lock file
    _row_beats: int = 0
    _beaten_at: float = field(default_factory=lambda: _clock())
    _answered_at: float = field(default_factory=lambda: _clock())
    _aside: database.Aside = field(default_factory=database.Aside)

    def beat(self) -> None:
        """Count one more sign of life, for this host to see. It needs no database."""
        self._beats += 1
        os.pwrite(self._lock, _COUNT.pack(self._beats), 0)
        self._beaten_at = _clock()

    def beat_in_row(self) -> None:
        """Count one more sign of life for other hosts, without waiting for any lock.

        Raises DeclaredDead when the row is gone, signed off, or not as the last beat left it, and
        what the database raises, when that is busy, too.
        """
        crashpoints.reach("beat.before_begin")
        began = _clock()
        try:
            arrived = self._aside.update(
                self._row(), beats=self._row_beats + 1, beat_at=timezone.now()
            )
        except database.TROUBLE as error:
            if database.kind_of(error) is not Trouble.AWAY:
                self._answered_at = began
            raise
        crashpoints.reach("beat.after_commit")
        self._answered_at = began
        if not arrived:
            raise DeclaredDead(f"The worker {self.worker} was declared dead.")
        self._row_beats += 1

    def look(self) -> None:
        """Raises DeclaredDead as a beat does, and writes nothing.

        In an older copy of the database the row's number may soon be another worker's.
        """
        began = _clock()
        is_known = self._row().exists()
        self._answered_at = began
        if not is_known:
            raise DeclaredDead(f"The worker {self.worker} is not as it was in the database.")

    def _row(self) -> QuerySet[Worker]:
        """The row as the last beat left it, or the one before whose COMMIT was not answered."""
        mine = Worker.objects.filter(uuid=self.worker.uuid, stopped_at=None)
        return mine.filter(beats__in=(self._row_beats, self._row_beats + 1))

    @property
    def lock(self) -> int:
        """The descriptor of the lock, which is free once nobody has it open any more."""
        return self._lock

    @property
    def reason_to_stop(self) -> str:
        """Why others may soon take this worker for dead, or why it can do nothing; mostly empty."""
        longest = conf.knobs().lease * 2 / 3
        if (frozen := _clock() - self._beaten_at) > longest:
            return f"its worker did not run for {times.clock(frozen)}"
        if (away := _clock() - self._answered_at) > longest:
            return f"its worker could not reach the database for {times.clock(away)}"
        return ""

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
            runtable.remove(self.worker.lock_path)
            Path(self.worker.lock_path).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1
        self._aside.close()


def _clock() -> float:
    """Seconds that also pass while the machine sleeps: others may have counted them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def sign_on(*, slots: int, knows: dict[str, list[str]], only_job: int | None = None) -> Post:
    """Take the lock, then write the row: a row without a held lock is a dead worker."""
    news.get_ready()
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
            knows=knows,
            only_job_id=only_job,
            lock_path=str(path),
        )
    except BaseException:
        path.unlink()
        os.close(lock)
        raise
    return Post(worker, lock)


def _write_row(**columns: Any) -> Worker:
    crashpoints.reach("sign_on.before_begin")
    with database.write():
        worker = Worker.objects.create(**columns)
        crashpoints.reach("sign_on.before_commit")
    crashpoints.reach("sign_on.after_commit")
    return worker


@dataclass
class _Watched:
    """What this process has seen of a worker's beats, in seconds of its own clock."""

    beats: tuple[bool, int]  # whether they are those of its lock file, and how many
    looked_at: float
    silent: float = 0.0  # seconds without a beat, of those in which this process could look
    unseen: float = 0.0  # seconds before that, in which the last beat came at some time


_watched: dict[uuid.UUID, _Watched] = {}  # a restored database gives numbers out again


def is_alive(worker: Worker) -> bool:
    """Whether the worker lives, as far as this process can tell. Wants a row just read."""
    return not is_gone(worker) and silence(worker) < conf.knobs().lease


def is_gone(worker: Worker) -> bool:
    """Whether it is certain that the worker has ended."""
    return worker.stopped_at is not None or (is_here(worker) and _holds_lock(worker) is False)


def is_here(worker: Worker) -> bool:
    """Whether it runs on this host."""
    return worker.host == socket.gethostname()


def silence(worker: Worker) -> float:
    """Seconds for which its count of beats has stood still, of those that were watched.

    Who could not look for a while, because the database was away or the machine asleep, has not
    seen that there was no beat. Wants a row just read.
    """
    return _watch(worker).silent


def _watch(worker: Worker) -> _Watched:
    """What is known of its beats after one more look at them."""
    now = time.monotonic()
    beats = _beats_of(worker)
    seen = _watched.get(worker.uuid)
    if seen is None or seen.beats != beats:
        unseen = now - seen.looked_at if seen else 0.0
        is_known = unseen < conf.knobs().lease / 2
        seen = _Watched(beats, now, unseen=unseen if is_known else 0.0)
        _watched[worker.uuid] = seen
    else:
        seen.silent += min(now - seen.looked_at, conf.knobs().lease / 3)
        seen.looked_at = now
    return seen


def next_death() -> float:
    """Seconds until the first worker will have been silent for a lease, if it does not beat."""
    return conf.knobs().lease - max((seen.silent for seen in list(_watched.values())), default=0.0)


def is_late(worker: Worker) -> bool:
    """Whether half a lease may have passed since the last beat: time to warn, not to decide."""
    seen = _watch(worker)
    return seen.silent + seen.unseen > conf.knobs().lease / 2


def heard_at(worker: Worker) -> datetime:
    """When it beat last, as far as that can be seen from here. To be shown: clocks differ."""
    if is_here(worker):
        with suppress(OSError):
            return datetime.fromtimestamp(os.stat(worker.lock_path).st_mtime, UTC)
    return worker.beat_at


def _beats_of(worker: Worker) -> tuple[bool, int]:
    """Its count of beats, in its lock file where that can be read from here."""
    if is_here(worker):
        with suppress(OSError), open(worker.lock_path, "rb") as file:
            content = file.read(_COUNT.size)
            return True, _COUNT.unpack(content)[0] if len(content) == _COUNT.size else 0
    return False, worker.beats


def _holds_lock(worker: Worker) -> bool | None:
    """Whether any process holds the lock; None when the file cannot be seen from here."""
    try:
        return runtable.is_locked(Path(worker.lock_path))
    except (FileNotFoundError, PermissionError):
        return None


def living() -> list[Worker]:
    """Every worker that is alive now."""
    workers = list(Worker.objects.filter(stopped_at=None))
    for ended in _watched.keys() - {worker.uuid for worker in workers}:
        _watched.pop(ended, None)  # another thread may have been faster
    return [worker for worker in workers if is_alive(worker)]


def bury_the_dead() -> None:
    """Mark the workers that ended without saying so."""
    for worker in Worker.objects.filter(stopped_at=None).defer("knows"):
        if not is_alive(worker):
            bury(worker)
        elif _may_wait(worker):
            _watched.pop(worker.uuid)


def bury(worker: Worker) -> bool:
    """Mark a worker as dead; False when it has beaten meanwhile, or somebody was faster.

    Only then may its steps move on: if a lock held up its beats, this waits for the same one. It
    learns of it at its next look.
    """
    crashpoints.reach("bury.before_begin")
    with database.write():
        unchanged = Worker.objects.filter(uuid=worker.uuid, beats=worker.beats, stopped_at=None)
        is_dead = bool(unchanged.update(stopped_at=timezone.now()))
        crashpoints.reach("bury.before_commit")
    crashpoints.reach("bury.after_commit")
    if is_dead and is_here(worker):
        runtable.remove(worker.lock_path)
        Path(worker.lock_path).unlink(missing_ok=True)
    return is_dead


def _may_wait(worker: Worker) -> bool:
    """Whether a beat of a worker elsewhere may be held up by a lock on its row."""
    seen = _watched[worker.uuid]
    is_in_file, _ = seen.beats
    if is_in_file or seen.silent < conf.knobs().lease / 3:
        return False
    return database.is_locked(Worker.objects.filter(uuid=worker.uuid))


def forget_silences() -> None:
    """This process was held up by a lock, and so may have been the beats in rows."""
    for uuid_, seen in list(_watched.items()):
        is_in_file, _ = seen.beats
        if not is_in_file:
            _watched.pop(uuid_, None)


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
