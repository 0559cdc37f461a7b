"""Replay the journal against the rows: is everything that the database says also what happened?

replay     what the rows must be, by the journal, and whether the journal itself is legal
rows       the rows of the job and of its steps
attempts   the attempts, and what is counted of them
log        the numbers of the log lines
orders     what concerns no single job
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from .. import database
from ..models import Job
from . import attempts, log, orders, rows
from .replay import Replay

JOBS_AT_ONCE = 1000  # of which the numbers are read together


def differences(job_ids: Iterable[int] | None = None) -> Iterator[str]:
    """One sentence for each thing that does not add up, job by job: of these jobs, or of all.

    Of all also means the orders that concern no single job.
    """
    if job_ids is None:
        yield from orders.problems()
    for job_id in _all_jobs() if job_ids is None else job_ids:
        with database.snapshot():
            job = Job.objects.filter(pk=job_id).first()
            if job:  # else it was deleted meanwhile
                yield from differences_of(job)


def _all_jobs() -> Iterator[int]:
    """The numbers of all jobs, of which a long history has more than memory should hold."""
    last, ids = 0, Job.objects.order_by("pk").values_list("pk", flat=True)
    while some := list(ids.filter(pk__gt=last)[:JOBS_AT_ONCE]):
        yield from some
        last = some[-1]


def differences_of(job: Job) -> Iterator[str]:
    """The same for one job, which was just read."""
    replay = Replay(job)
    problems = chain(
        replay.problems(), rows.problems(replay), attempts.problems(replay), log.problems(replay)
    )
    for problem in problems:
        yield f"job {job.pk}: {problem}"
