"""The first entries of journals, written with everything that they are about."""

from __future__ import annotations

from collections.abc import Collection

from .. import crashpoints, intents, news
from ..codes import Fact
from ..definitions import StepDefinition
from ..definitions.parameters import Understood
from ..models import Job, Need, Step
from ..statuses import Kind, Status
from . import writing
from .rows import Entry


def create_jobs(
    definition: str,
    params: Collection[Understood],
    steps: Collection[StepDefinition],
    fact: Fact,
    *,
    actor: str,
    source: str,
    again_of: Job | None = None,
    intent: str = "",
) -> list[Job]:
    """Write a whole job for each of *params*: rows, steps and plans, all pending, and births.

    The intent's result is the first of them. Joins the transaction in progress, if there is one.
    """
    crashpoints.reach("launch.before_begin")
    jobs = Job.objects.bulk_create(
        Job(
            definition=definition,
            params=each.typed,
            understood=each.kept,
            tag=writing.new_tag(),
            again_of=again_of,
        )
        for each in params
    )
    crashpoints.reach("launch.job_written")
    if intent:
        intents.record(intent, jobs[0].pk)
    _create_steps(jobs, steps)
    crashpoints.reach("launch.steps_written")
    writing.write_entries([_birth(job, fact, actor, source) for job in jobs])
    for job in jobs:
        news.announce(job.pk, job.seq)
    crashpoints.reach("launch.before_commit")
    return jobs


def _create_steps(jobs: Collection[Job], steps: Collection[StepDefinition]) -> None:
    rows = Step.objects.bulk_create(
        Step(
            job=job,
            name=step.name,
            position=position,
            timeout=step.timeout,
            retries=step.retries,
            retry_delay=step.retry_delay,
            waiting=len(step.needs),
        )
        for job in jobs
        for position, step in enumerate(steps)
    )
    ids = {(row.job_id, row.name): row.pk for row in rows}
    Need.objects.bulk_create(
        Need(step_id=ids[job.pk, step.name], needed_id=ids[job.pk, needed])
        for job in jobs
        for step in steps
        for needed in step.needs
    )


def _birth(job: Job, fact: Fact, actor: str, source: str) -> Entry:
    return writing.entry(
        Kind.BIRTH,
        fact,
        job_id=job.pk,
        seq=job.seq,
        tag=job.tag,
        to_status=Status.PENDING,
        at=job.created_at,
        actor=actor,
        source=source,
    )
