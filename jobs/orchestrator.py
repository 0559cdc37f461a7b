"""What happens next: launch, claim, finish, cancel. Decisions only; ``transitions`` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection

from . import database, definitions, transitions
from .exceptions import InvalidParams, Overtaken
from .models import Attempt, Job, Step, StepQuerySet, Worker
from .runner import Outcome, Verdict
from .statuses import Status
from .transitions import Batch, Claim, Ending, JobState

# --- launch ---------------------------------------------------------------------------------------


def launch(
    definition: str | type[definitions.JobDefinition],
    params: Mapping[str, Any] | None = None,
    *,
    actor: Any = "",
    source: str = "python",
) -> Job:
    """Write a new job, all steps pending; a worker takes it from there.

    *params* are Python values, or text as a browser sends it. Joins the caller's transaction.
    Raises UnknownDefinition and InvalidParams; then nothing was written.
    """
    cls = definitions.get(definition) if isinstance(definition, str) else definition
    raw = definitions.raw_params(params or {})
    cleaned = cls.clean(raw)
    try:
        cls.authorize(cleaned, actor=str(actor), source=source)
    except ValidationError as error:
        raise InvalidParams(cls.name, _by_field(error)) from error
    plan = [(step.name, step.timeout, step.needs) for step in cls.steps().values()]
    with nullcontext() if connection.in_atomic_block else database.write():
        return transitions.bear(cls.name, raw, plan, actor=str(actor), source=source)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


# --- running --------------------------------------------------------------------------------------


@dataclass
class Desk:
    """What one worker works on: who it is, what it knows, and the jobs it holds steps of."""

    worker: Worker
    knows: dict[str, list[str]]
    jobs: dict[int, JobState] = field(default_factory=dict)


def claim(desk: Desk, room: int) -> list[Claim]:
    """Start up to *room* ready steps of the oldest job that has any; empty when there is none."""
    candidates = Step.objects.ready().known_in(desk.knows).order_by("job", "position")
    if desk.worker.only_job_id:
        candidates = candidates.filter(job=desk.worker.only_job_id)
    claims: list[Claim] = []

    def decide(batch: Batch) -> None:
        claims[:] = _start_ready(batch, desk, room)

    with _deleted_is_overtaken():
        state = _first_job(desk, candidates)
        if state is None:
            return []
        desk.jobs[state.job.pk] = state
        transitions.commit(state, decide, source="worker")
    return claims


def _first_job(desk: Desk, candidates: StepQuerySet) -> JobState | None:
    """The job of the first candidate; one that the worker knows is not read whole again."""
    if not desk.jobs:
        return JobState.of(Step.objects.filter(job_id=candidates.values("job_id")[:1]))
    job_id = candidates.values_list("job_id", flat=True).first()
    if job_id is None:
        return None
    if known := desk.jobs.get(job_id):
        known.refresh()
        return known
    return JobState.load(job_id)


def finish(desk: Desk, held: Claim, outcome: Outcome, room: int) -> list[Claim]:
    """Record how an attempt ended and start up to *room* steps of the same job, in one batch.

    Raises Overtaken when the attempt is not this worker's any more; nothing is written then.
    """
    state = desk.jobs[held.job_id]
    claims: list[Claim] = []

    def decide(batch: Batch) -> None:
        step = batch.held(held)
        _end(batch, step, held, desk.worker, outcome)
        if outcome.verdict is not Verdict.HANDED_BACK:
            claims[:] = _start_ready(batch, desk, room)

    with _deleted_is_overtaken():
        transitions.commit(state, decide, source="worker")
    return claims


@contextmanager
def _deleted_is_overtaken() -> Iterator[None]:
    """To a worker, a job that was deleted under its hands is one that somebody else took."""
    try:
        yield
    except Job.DoesNotExist as error:
        raise Overtaken("The job was deleted.") from error


def _end(batch: Batch, step: Step, held: Claim, worker: Worker, outcome: Outcome) -> None:
    ending = Ending(
        claim=held,
        worker=worker,
        result=outcome.result,
        error=outcome.error,
        traceback=outcome.traceback,
    )
    match outcome.verdict:
        case Verdict.RETURNED:
            batch.succeed(step, ending)
        case Verdict.FAILED:
            batch.fail(step, ending, outcome.reason)
        case Verdict.HANDED_BACK if not batch.state.job.cancel_requested:
            batch.hand_back(step, ending, outcome.reason)
        case Verdict.STOPPED | Verdict.HANDED_BACK:
            batch.stop(step, ending, outcome.reason)


def _start_ready(batch: Batch, desk: Desk, room: int) -> list[Claim]:
    known = frozenset(desk.knows.get(batch.state.job.definition, ()))
    ready = (step for step in batch.state.ready() if step.name in known)
    return [batch.start(step, desk.worker) for step in list(islice(ready, max(room, 0)))]


def results_for(state: JobState, step_id: int) -> dict[str, Any]:
    """The results of every step that *step_id* needs, directly or through others, by name."""
    needed: set[int] = set()
    todo = list(state.needs.get(step_id, ()))
    while todo:
        if (step := todo.pop()) not in needed:
            needed.add(step)
            todo += state.needs.get(step, ())
    if unknown := needed - state.results.keys():
        ended = Attempt.objects.filter(step__in=unknown).order_by("number")
        state.results |= dict(ended.values_list("step", "result"))
    return {state.steps[pk].name: state.results[pk] for pk in needed}


def give_up(job_id: int, step_id: int, reason: str) -> None:
    """Fail a pending step that nobody knows how to run, if it is still pending."""

    def decide(batch: Batch) -> None:
        step = batch.state.steps[step_id]
        if step.status == Status.PENDING:
            batch.give_up(step, reason)

    with suppress(Job.DoesNotExist):
        transitions.commit(JobState.load(job_id), decide, source="worker")


def note_refused(held: Claim) -> None:
    """Journal that a late write of an attempt was refused, if the job is still there."""

    def decide(batch: Batch) -> None:
        step = batch.state.steps[held.step_id]
        batch.note(f"a late write of attempt {held.attempt} was refused", step)

    with suppress(Job.DoesNotExist):
        transitions.commit(JobState.load(held.job_id), decide, source="worker")


# --- cancel ---------------------------------------------------------------------------------------


def cancel(job_id: int, *, actor: Any = "", source: str = "python") -> bool:
    """Ask a job to stop: pending steps are cancelled at once, running ones by their workers.

    Returns whether this call made the request: False when the job has ended or is already being
    cancelled. Raises Job.DoesNotExist.
    """
    asked = False

    def decide(batch: Batch) -> None:
        nonlocal asked
        job = batch.state.job
        asked = not (job.is_finished or job.cancel_requested)
        if asked:
            batch.request_cancel()
            batch.cancel_pending()

    transitions.commit(JobState.load(job_id), decide, actor=str(actor), source=source)
    return asked
