"""A job: what changed since a position, and a summary for a terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .. import database
from ..models import Job, Step, Transition
from ..statuses import Status
from .failures import errors_of
from .positions import history, journal_since, name_steps
from .steps import (
    FIRST_PART,
    Part,
    StepSight,
    changed_attempts,
    counts_of,
    steps_since,
    with_attempts,
)

FOLLOWERS_SHOWN = 5  # jobs that run a job again


@dataclass(kw_only=True)
class Sight:
    """What changed in one job since a position, and the position that it leads to.

    Where the journal has nothing new, nothing has changed, and no more than that is told.
    """

    job: Job
    since: int
    seq: int
    tag: str
    part: Part
    journal: list[Transition]
    steps: list[StepSight] = field(default_factory=list)  # of the part
    running: list[Step] = field(default_factory=list)  # of all parts, whether they changed or not
    # All steps of the job by status, part by part.
    counts: dict[Part, Counter[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)  # the job's failed steps, in words
    followers: list[int] = field(default_factory=list)  # the newest jobs that run this one again


@dataclass(frozen=True)
class Glance:
    """A job as a terminal has room for it."""

    job: Job
    steps: list[StepSight]  # without earlier attempts
    counts: Counter[str]  # all steps of the job by status


def look(job_id: int, since: int = 0, tag: str = "", part: Part = FIRST_PART) -> Sight:
    """Everything of a job that changed after *since*; with 0, all that its page shows.

    *tag* is that of the journal entry at *since*. Raises Job.DoesNotExist, and CannotFollow when
    the journal has no such entry, or goes on for more than FURTHEST entries after it.
    """
    with database.snapshot():
        journal = journal_since(job_id, since, tag) if since else history(job_id)
        if not journal:
            raise Job.DoesNotExist(f"There is no job {job_id}.")
        end = journal[-1]
        news = journal[1:] if since else journal
        job = _job(job_id)
        sight = Sight(job=job, since=since, seq=end.seq, tag=end.tag, part=part, journal=news)
        if not news:
            return sight
        steps = steps_since(job_id, since, part)
        shown = [step for step in steps if step.seq > since and step.position in part]
        oldest = changed_attempts(news) if since else {step.pk: 1 for step in shown}
        sight.steps = with_attempts(shown, oldest)
        sight.running = [step for step in steps if step.status == Status.RUNNING]
        sight.counts = counts_of(job_id)
        if any(count[Status.FAILED] for count in sight.counts.values()):
            sight.errors = errors_of(job_id)
        sight.followers = _followers(job_id)
        name_steps(news, steps)
        return sight


def glance(job_id: int, most: int) -> Glance:
    """A job in at most *most* steps: all of them, or those that run and those that failed.

    Raises Job.DoesNotExist.
    """
    with database.snapshot():
        job = _job(job_id)
        steps = Step.objects.filter(job=job_id).order_by("position")
        counts: Counter[str] = sum(counts_of(job_id).values(), Counter())
        if counts.total() > most:
            steps = steps.filter(status__in=[Status.RUNNING, Status.FAILED])
            steps = steps.order_by("-status", "position")  # those that run come first
        return Glance(job, with_attempts(list(steps[:most])), counts)


def _job(job_id: int) -> Job:
    found = list(Job.objects.raw("SELECT * FROM truestep_job WHERE id = %s", [job_id]))
    if not found:
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return found[0]


def _followers(job_id: int) -> list[int]:
    sql = "SELECT id FROM truestep_job WHERE again_of_id = %s ORDER BY id DESC LIMIT %s"
    return [pk for (pk,) in database.rows(sql, job_id, FOLLOWERS_SHOWN)][::-1]
