"""A job: everything, or what changed since a position; and a job in a few rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .. import database
from ..models import Job, Step, Transition
from ..statuses import Status
from .counts import Counts, counts_after, counts_of, in_order, total_of
from .failures import failures_of_job
from .positions import START, Position, attach_steps, entries_from, history, no_such_job
from .steps import (
    ATTEMPTS_SHOWN,
    FIRST_PAGE,
    StepPage,
    StepRow,
    oldest_changed_attempts,
    rows_of,
    steps_since,
)

FOLLOWERS_SHOWN = 5  # jobs that run a job again


@dataclass(kw_only=True)
class JobSnapshot:
    """What changed in a job since a position, and the position that this leads to.

    Without a new journal entry nothing has changed, and all fields after ``journal`` are empty.
    """

    job: Job
    since: int
    position: Position
    page: StepPage
    journal: list[Transition]
    steps: list[StepRow] = field(default_factory=list)  # of the page
    running: list[Step] = field(default_factory=list)  # of all pages, whether changed or not
    counts: Counts = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)  # a line for each failed step
    followers: list[int] = field(default_factory=list)  # the newest jobs that run this one again


@dataclass(frozen=True)
class JobOverview:
    """A job in as many steps as a terminal has room for."""

    job: Job
    steps: list[StepRow]  # without earlier attempts
    counts: Counter[str]  # all steps of the job by status


def read_job(job_id: int, since: Position = START, page: StepPage = FIRST_PAGE) -> JobSnapshot:
    """What changed in a job after *since*; from START, all that its page shows.

    Raises Job.DoesNotExist, and CannotFollow when *since* is not a position of this job, or is more
    than MOST_BEHIND entries behind.
    """
    with database.snapshot():
        journal = entries_from(job_id, since) if since.seq else history(job_id)
        if not journal:
            raise no_such_job(job_id)
        end = journal[-1]
        snapshot = JobSnapshot(
            job=_job(job_id),
            since=since.seq,
            position=Position(end.seq, end.tag),
            page=page,
            journal=journal[1:] if since.seq else journal,
        )
        if snapshot.journal:
            _add_changes(snapshot, journal)
        return snapshot


def _add_changes(snapshot: JobSnapshot, journal: list[Transition]) -> None:
    job_id, since, page = snapshot.job.pk, snapshot.since, snapshot.page
    steps = steps_since(job_id, since, page)
    shown = [step for step in steps if step.seq > since and step.position in page]
    oldest = oldest_changed_attempts(snapshot.journal) if since else {step.pk: 1 for step in shown}
    snapshot.steps = rows_of(shown, oldest)
    snapshot.running = [step for step in steps if step.status == Status.RUNNING]
    attach_steps(snapshot.journal, steps)
    snapshot.counts = counts_after(journal)
    if any(count[Status.FAILED] for count in snapshot.counts.values()):
        snapshot.errors = [failure.line for failure in failures_of_job(job_id)]
    snapshot.followers = _followers(job_id)


def context_of(snapshot: JobSnapshot) -> dict[str, Any]:
    """What the templates of a job need, whole page or fragment."""
    return {
        "snapshot": snapshot,
        "job": snapshot.job,
        "counts": in_order(total_of(snapshot.counts)),
        "attempts_shown": ATTEMPTS_SHOWN,
        "parts": _changed_parts(snapshot) if len(snapshot.counts) > 1 else [],
    }


def _changed_parts(snapshot: JobSnapshot) -> list[tuple[StepPage, list[tuple[Status, int]]]]:
    """The pages of a job's steps whose counts may have changed, and these counts."""
    counts = snapshot.counts
    if snapshot.since:
        moved = {StepPage.of(entry.step.position) for entry in snapshot.journal if entry.step}
        counts = {page: counts[page] for page in sorted(moved)}
    return [(page, in_order(each)) for page, each in counts.items()]


def read_overview(job_id: int, most: int) -> JobOverview:
    """A job in at most *most* steps: all of them, or else those that run and those that failed.

    Raises Job.DoesNotExist.
    """
    with database.snapshot():
        job = _job(job_id)
        steps = Step.objects.filter(job=job_id).order_by("position")
        counts = total_of(counts_of(job_id))
        if counts.total() > most:
            steps = steps.filter(status__in=[Status.RUNNING, Status.FAILED])
            steps = steps.order_by("-status", "position")  # running ones first
        return JobOverview(job, rows_of(list(steps[:most])), counts)


def _job(job_id: int) -> Job:
    found = list(Job.objects.raw("SELECT * FROM truestep_job WHERE id = %s", [job_id]))
    if not found:
        raise no_such_job(job_id)
    return found[0]


def _followers(job_id: int) -> list[int]:
    sql = "SELECT id FROM truestep_job WHERE again_of_id = %s ORDER BY id DESC LIMIT %s"
    return [pk for (pk,) in database.rows(sql, job_id, FOLLOWERS_SHOWN)][::-1]
