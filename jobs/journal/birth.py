"""The first entries of journals, written with everything that they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from .. import crashpoints, database, intents, news
from ..codes import Fact
from ..definitions import StepDefinition
from ..definitions.parameters import Understood
from ..models import Job, Need, Step, Transition
from ..statuses import Kind, Status
from . import birth_function, writing
from .rows import Entry, row_of


def new_jobs(
    definition: str, params: Iterable[Understood], again_of: Job | None = None
) -> list[Job]:
    """A job for each of *params*, not written yet."""
    return [
        Job(
            definition=definition,
            params=each.typed,
            understood=each.kept,
            tag=writing.new_tag(),
            again_of=again_of,
        )
        for each in params
    ]


def is_one_statement(intent: str) -> bool:
    """Whether ``create_jobs`` runs one statement only."""
    return database.dialect().has_functions and not intent


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

    The intent's result is the first of them. Called inside ``database.write`` or a transaction of
    the caller.
    """
    births = [_birth(job, fact, actor, source) for job in jobs]
    if database.dialect().has_functions:
        _call(jobs, steps, births)
    else:
        _insert(jobs, steps, births)
    if intent:
        intents.record(intent, jobs[0].pk)
    for job in jobs:
        news.announce(job.pk, job.seq)
    if not is_one_statement(intent):
        crashpoints.reach("launch.before_commit")


def _call(jobs: Sequence[Job], steps: Collection[StepDefinition], births: Sequence[Entry]) -> None:
    place = {step.name: position for position, step in enumerate(steps)}
    found = birth_function.LAUNCH.call(
        {
            "jobs": [
                row_of(job, Job) | {"birth": row_of(birth, Transition)}
                for job, birth in zip(jobs, births, strict=True)
            ],
            "steps": [row_of(step, Step) for step in _steps(Job(), steps)],
            "needs": [
                {"step": place[step.name], "needed": place[needed]}
                for step in steps
                for needed in step.needs
            ],
        }
    )
    for job, (pk,) in zip(jobs, found, strict=True):
        job.pk, job._state.adding, job._state.db = pk, False, database.alias()


def _insert(
    jobs: Sequence[Job], steps: Collection[StepDefinition], births: Sequence[Entry]
) -> None:
    Job.objects.bulk_create(jobs)
    crashpoints.reach("launch.job_written")
    _create_steps(jobs, steps)
    crashpoints.reach("launch.steps_written")
    for job, birth in zip(jobs, births, strict=True):
        birth.job_id = job.pk
    writing.write_entries(births)


def _steps(job: Job, steps: Collection[StepDefinition]) -> Iterator[Step]:
    for position, step in enumerate(steps):
        yield Step(
            job=job,
            name=step.name,
            position=position,
            timeout=step.timeout,
            retries=step.retries,
            retry_delay=step.retry_delay,
            waiting=len(step.needs),
        )


def _create_steps(jobs: Collection[Job], steps: Collection[StepDefinition]) -> None:
    rows = Step.objects.bulk_create(step for job in jobs for step in _steps(job, steps))
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
