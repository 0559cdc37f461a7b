"""A worker whose processes go on to the next job: what does the isolation of jobs cost?

Truestep has no such option, and none of its code knows this module. The benchmark looks whether the
processes live on: if not, the pool has changed, and this module has to follow.
"""

from __future__ import annotations

from dataclasses import replace

from jobs.journal import Claim
from jobs.runner import Task
from jobs.slots.handle import RunningAttempt
from jobs.slots.pool import Pool

_run = Pool.run


def share() -> None:
    """From now on, a process of this worker that has run its job's steps is a spare again."""
    Pool.run = _run_and_stay
    Pool._dismiss_idle = _keep_idle


def _run_and_stay(pool: Pool, claim: Claim, task: Task) -> RunningAttempt:
    return _run(pool, claim, replace(task, is_last=False))


def _keep_idle(pool: Pool) -> None:
    for slot in pool._slots:
        if slot.is_idle:
            slot.job_id = None
