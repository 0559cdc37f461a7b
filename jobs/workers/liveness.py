"""Which workers live, as seen from this process.

On a worker's own host, a free lock means that the worker is dead; that needs no clock. Otherwise a
worker is dead when its heartbeat counter has not moved for a lease. That time is measured by the
observer's clock alone, and only time in which the observer could look counts.

The counter is read from the lock file, or from the worker's row where that file cannot be seen, as
on another host. A row may stay the same because a transaction has locked it: such time does not
count.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

from .. import conf, crashpoints, database, local_steps
from ..models import Worker
from .registration import COUNTER


@dataclass
class _Observation:
    """What this process has seen of a worker's heartbeats, in seconds of its own clock."""

    beats: tuple[bool, int]  # whether they were read from its lock file, and how many
    looked_at: float
    silent: float = 0.0  # seconds without a heartbeat in which this process could look
    unseen: float = 0.0  # seconds before that, in which the last heartbeat came at some moment


_observations: dict[uuid.UUID, _Observation] = {}  # a restored database reuses its numbers


def is_alive(worker: Worker) -> bool:
    """Whether the worker lives, as far as this process can see. Needs a row that was just read."""
    return not is_gone(worker) and seconds_without_heartbeat(worker) < conf.knobs().lease


def is_gone(worker: Worker) -> bool:
    """Whether the worker has certainly ended."""
    return worker.stopped_at is not None or (is_here(worker) and _holds_lock(worker) is False)


def is_here(worker: Worker) -> bool:
    """Whether it runs on this host."""
    return worker.host == socket.gethostname()


def seconds_without_heartbeat(worker: Worker) -> float:
    """How long its heartbeat counter has not moved, as far as this process has watched it.

    Time in which this process could not look does not count, for instance while the database was
    unreachable or the machine slept. Needs a row that was just read.
    """
    return _observe(worker).silent


def is_late(worker: Worker) -> bool:
    """Whether half a lease may have passed since the last heartbeat: warn, but decide nothing."""
    seen = _observe(worker)
    return seen.silent + seen.unseen > conf.knobs().lease / 2


def next_expiry() -> float:
    """Seconds until the first lease of a watched worker ends, if no heartbeat comes."""
    longest = max((seen.silent for seen in list(_observations.values())), default=0.0)
    return conf.knobs().lease - longest


def last_heartbeat(worker: Worker) -> datetime:
    """When the last heartbeat came, as far as this host can see. For display: clocks differ."""
    if is_here(worker):
        with suppress(OSError):
            return datetime.fromtimestamp(os.stat(worker.lock_path).st_mtime, UTC)
    return worker.beat_at


def living() -> list[Worker]:
    """Every worker that is alive now."""
    workers = list(Worker.objects.filter(stopped_at=None))
    for ended in _observations.keys() - {worker.uuid for worker in workers}:
        _observations.pop(ended, None)  # another thread may have been faster
    return [worker for worker in workers if is_alive(worker)]


def mark_dead_workers() -> None:
    """Record the end of every worker that is dead and did not deregister."""
    for worker in Worker.objects.filter(stopped_at=None).defer("knows"):
        if not is_alive(worker):
            mark_dead(worker)
        elif _may_be_blocked(worker):
            _observations.pop(worker.uuid)


def mark_dead(worker: Worker) -> bool:
    """Record that a worker is dead; False when a heartbeat came or another process was faster.

    Only after True may its steps be taken over. If a lock held up its heartbeat, this waits for
    the same lock. The worker finds out when it next looks at its row.
    """
    crashpoints.reach("mark_dead.before_begin")
    with database.write():
        unchanged = Worker.objects.filter(uuid=worker.uuid, beats=worker.beats, stopped_at=None)
        is_dead = bool(unchanged.update(stopped_at=timezone.now()))
        crashpoints.reach("mark_dead.before_commit")
    crashpoints.reach("mark_dead.after_commit")
    if is_dead and is_here(worker):
        local_steps.remove(worker.lock_path)
        Path(worker.lock_path).unlink(missing_ok=True)
    return is_dead


def restart_row_leases() -> None:
    """Count the lease of every worker that is seen by its row from the beginning.

    A lock held up this process, and it may have held up their heartbeats, too.
    """
    for uuid_, seen in list(_observations.items()):
        is_in_file, _ = seen.beats
        if not is_in_file:
            _observations.pop(uuid_, None)


def _observe(worker: Worker) -> _Observation:
    """What is known of its heartbeats after looking once more."""
    now = time.monotonic()
    beats = _beats_of(worker)
    seen = _observations.get(worker.uuid)
    if seen is None or seen.beats != beats:
        unseen = now - seen.looked_at if seen else 0.0
        is_known = unseen < conf.knobs().lease / 2
        seen = _Observation(beats, now, unseen=unseen if is_known else 0.0)
        _observations[worker.uuid] = seen
    else:
        seen.silent += min(now - seen.looked_at, conf.knobs().lease / 3)
        seen.looked_at = now
    return seen


def _beats_of(worker: Worker) -> tuple[bool, int]:
    """Its heartbeat counter; from its lock file where that can be read from here."""
    if is_here(worker):
        with suppress(OSError), open(worker.lock_path, "rb") as file:
            content = file.read(COUNTER.size)
            return True, COUNTER.unpack(content)[0] if len(content) == COUNTER.size else 0
    return False, worker.beats


def _holds_lock(worker: Worker) -> bool | None:
    """Whether any process holds the lock; None when the file cannot be seen from here."""
    try:
        return local_steps.is_locked(Path(worker.lock_path))
    except (FileNotFoundError, PermissionError):
        return None


def _may_be_blocked(worker: Worker) -> bool:
    """Whether a lock on its row may hold up the heartbeat of a worker elsewhere."""
    seen = _observations[worker.uuid]
    is_in_file, _ = seen.beats
    if is_in_file or seen.silent < conf.knobs().lease / 3:
        return False
    return database.is_locked(Worker.objects.filter(uuid=worker.uuid))
