"""The first entry of a journal, written with everything it is about."""

from __future__ import annotations

from collections.abc import Collection

from .. import crashpoints, intents, news
from ..codes import Fact
from ..definitions import StepDefinition
from ..definitions.parameters import Understood
from ..models import Job, Need, Step
from ..statuses import Kind, Status
from . import writing


def create_job(
    definition: str,
    params: Understood,
    steps: Collection[StepDefinition],
    fact: Fact,
    *,
    actor: str,
    source: str,
    again_of: Job | None,
    intent: str = "",
) -> Job:
    """Write a whole job: its row, its steps and plan, all pending, its birth, and the intent.

    Joins the transaction in progress, if there is one.
    """
    crashpoints.reach("launch.before_begin")
    job = Job.objects.create(
        definition=definition,
        params=params.typed,
        understood=params.kept,
        tag=writing.new_tag(),
        again_of=again_of,
    )
    crashpoints.reach("launch.job_written")
    if intent:
        intents.record(intent, job.pk)
    _create_steps(job, steps)
    crashpoints.reach("launch.steps_written")
    _write_birth(job, fact, actor, source)
    news.announce(job.pk, job.seq)
    crashpoints.reach("launch.before_commit")
    return job


def _write_birth(job: Job, fact: Fact, actor: str, source: str) -> None:
    birth = writing.entry(
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
    birth.save(force_insert=True)


def _create_steps(job: Job, steps: Collection[StepDefinition]) -> None:
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
        for position, step in enumerate(steps)
    )
    by_name = {row.name: row for row in rows}
    Need.objects.bulk_create(
        Need(step=by_name[step.name], needed=by_name[needed])
        for step in steps
        for needed in step.needs
    )
