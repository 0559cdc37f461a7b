"""The first entries of journals, written with everything that they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import IntegrityError
from django.utils import timezone

from .. import code_version, crashpoints, database, dispatch, intents, news, sealing, tracing
from ..codes import Fact
from ..definitions import StepDefinition
from ..definitions.parameters import Understood
from ..models import Job, Step, Transition
from ..statuses import Kind, Status
from . import birth_function, statements, writing
from .deadline import Deadline
from .rows import Entry, Row, row_of


class KeyTaken(Exception):
    """Another job has got the key since its line was read."""


_STEPS = "SELECT id FROM truestep_step WHERE job_id = %s ORDER BY position"


def new_jobs(
    definition: str,
    params: Collection[Understood],
    *,
    priority: int = 0,
    deadline: float | None = None,
    again_of: Job | None = None,
) -> list[Job]:
    """A job for each of *params*, not written yet."""
    now = timezone.now()
    jobs = [
        Job(
            definition=definition,
            params=each.typed,
            understood=each.kept,
            priority=priority,
            deadline=deadline,
            **vars(Deadline.after(now, deadline)),
            tag=writing.new_tag(),
            again_of=again_of,
            traceparent=tracing.current(),
            code_version=code_version.current(),
            created_at=now,
        )
        for each in params
    ]
    for job, each in zip(jobs, params, strict=True):
        if each.sealed:
            job.sealed = sealing.seal(each.sealed, job.uuid)
    return jobs


def create_jobs(
    jobs: Sequence[Job],
    steps: Collection[StepDefinition],
    fact: Fact,
    *,
    actor: str,
    source: str,
    intent: str = "",
) -> None:
    """Write new jobs of one definition: rows, steps and plans, all pending, and births.

    They have one priority.

    Only a single one may have an intent, whose result it is. Called inside ``database.write`` or a
    transaction of the caller. Raises KeyTaken when another job has just got the key of one of them;
    nothing of the transaction can be kept then.
    """
    births = [_birth(job, fact, actor, source) for job in jobs]
    try:
        _write(jobs, steps, births, intent)
    except IntegrityError as error:
        if writing.is_key_taken(error):
            raise KeyTaken from error
        raise
    for job in jobs:
        news.announce(job.pk, job.seq)
    if not all(job.awaits_key for job in jobs):
        dispatch.announce({step.queue for step in steps if not step.needs})


def _write(
    jobs: Sequence[Job], steps: Collection[StepDefinition], births: Sequence[Entry], intent: str
) -> None:
    if database.dialect().has_functions:
        _call(jobs, steps, births, intent)
    else:
        _insert(jobs, steps, births)
        if intent:
            intents.record(intent, jobs[0].pk)


def _call(
    jobs: Sequence[Job], steps: Collection[StepDefinition], births: Sequence[Entry], intent: str
) -> None:
    found = birth_function.LAUNCH.call(
        {
            "jobs": [
                row_of(job, Job) | {"birth": row_of(birth, Transition)}
                for job, birth in zip(jobs, births, strict=True)
            ],
            "steps": _steps(steps, jobs[0].priority),
            "needs": [{"step": step, "needed": needed} for step, needed in _needs(steps)],
            "intent": intents.document(intent),
        }
    )
    for job, (pk,) in zip(jobs, found, strict=True):
        _mark_written(job, pk)


def _insert(
    jobs: Sequence[Job], steps: Collection[StepDefinition], births: Sequence[Entry]
) -> None:
    """What the function does, statement by statement."""
    rows, needs = _steps(steps, jobs[0].priority), _needs(steps)
    for job, birth in zip(jobs, births, strict=True):
        [(sql, params)] = statements.insert("jobs", [row_of(job, Job)])
        [(birth.job_id,)] = database.select(f"{sql} RETURNING id", params)
        _mark_written(job, birth.job_id)
        crashpoints.reach("launch.job_written")
        least = int(job.awaits_key)  # then no step of it is free
        its = [row | {"job_id": job.pk, "waiting": row["waiting"] or least} for row in rows]
        writing.insert("steps", its)
        place = [step_id for (step_id,) in database.select(_STEPS, [job.pk])]
        pairs = [{"step_id": place[step], "needed_id": place[needed]} for step, needed in needs]
        writing.insert("needs", pairs)
        crashpoints.reach("launch.steps_written")
    writing.write_entries(births)


def _mark_written(job: Job, pk: int) -> None:
    job.pk, job._state.adding, job._state.db = pk, False, database.alias()


def _steps(steps: Collection[StepDefinition], priority: int) -> list[Row]:
    """The steps of each job, as rows without their job."""
    job = Job()
    return [
        row_of(
            Step(
                job=job,
                name=step.name,
                position=position,
                timeout=step.timeout,
                warn_after=step.warn_after,
                retries=step.retries,
                retry_delay=step.retry_delay,
                queue=step.queue,
                rank=-priority,
                waiting=len(step.needs),
            ),
            Step,
        )
        for position, step in enumerate(steps)
    ]


def _needs(steps: Collection[StepDefinition]) -> list[tuple[int, int]]:
    """Pairs of a step and one that it needs, by position."""
    place = {step.name: position for position, step in enumerate(steps)}
    return [(place[step.name], place[needed]) for step in steps for needed in step.needs]


def _birth(job: Job, fact: Fact, actor: str, source: str) -> Entry:
    return writing.entry(
        Kind.BIRTH,
        fact.but(key=job.key or None, waits=job.awaits_key or None),
        job_id=job.pk,
        seq=job.seq,
        tag=job.tag,
        to_status=Status.PENDING,
        at=job.created_at,
        actor=actor,
        source=source,
    )
