"""Workers: how one registers, which of them live, and which steps they know.

``registration`` is a worker's own row, lock and heartbeats; ``liveness`` is how others see it;
``abilities`` says which steps workers know. ``exits`` reports the end of a worker of this host,
and ``inbox`` hands it cancel requests that cannot be written.
"""

from .abilities import KnownSteps, knows, serves, takes, workers_for
from .liveness import (
    is_alive,
    is_gone,
    is_here,
    is_late,
    last_heartbeat,
    living,
    mark_dead,
    mark_dead_workers,
    next_expiry,
    restart_row_leases,
    seconds_without_heartbeat,
)
from .queues import queue_names
from .registration import Registration, register

__all__ = [
    "KnownSteps",
    "Registration",
    "is_alive",
    "is_gone",
    "is_here",
    "is_late",
    "knows",
    "last_heartbeat",
    "living",
    "mark_dead",
    "mark_dead_workers",
    "next_expiry",
    "queue_names",
    "register",
    "restart_row_leases",
    "seconds_without_heartbeat",
    "serves",
    "takes",
    "workers_for",
]
