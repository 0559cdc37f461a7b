"""Replay the journal against the rows: is everything that the database says also what happened?

replay     what the rows must be, by the journal, and whether the journal itself is legal
rows       the rows of the job and of its steps
attempts   the attempts, and what is counted of them
log        the numbers of the log lines
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from .. import database
from ..models import Job
from . import attempts, log, rows
from .replay import Replay


def differences() -> Iterator[str]:
    """One sentence for each thing that does not add up, job by job."""
    for job_id in Job.objects.order_by("pk").values_list("pk", flat=True):
        with database.snapshot():
            job = Job.objects.filter(pk=job_id).first()
            if job:  # else it was deleted meanwhile
                yield from differences_of(job)


def differences_of(job: Job) -> Iterator[str]:
    """The same for one job, which was just read."""
    replay = Replay(job)
    problems = chain(
        replay.problems(), rows.problems(replay), attempts.problems(replay), log.problems(replay)
    )
    for problem in problems:
        yield f"job {job.pk}: {problem}"
