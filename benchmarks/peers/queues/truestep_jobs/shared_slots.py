"""A worker whose processes go on to the next job: what does the isolation of jobs cost?

Truestep has no such option, and no code of it knows this module.
"""

from __future__ import annotations

from jobs.slots.pool import Pool


def share() -> None:
    """From now on, a process of this worker that has run its job's steps is a spare again."""
    Pool._dismiss_idle = _keep_idle


def _keep_idle(pool: Pool) -> None:
    for slot in pool._slots:
        if slot.is_idle:
            slot.job_id = None
