"""What happens next: launch, claim, finish, cancel, retry. It decides; ``transitions`` writes."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Min
from django.utils import timezone

from . import crashpoints, database, definitions, intents, transitions
from .codes import Code, Fact
from .exceptions import InvalidParams, Overtaken, UnknownStep
from .models import Attempt, Job, Step, StepQuerySet, Transition, Worker
from .runner import Outcome
from .statuses import CRASHES, REQUEUED, STEP_RETRIES, Kind, Status, Verdict
from .text import clean, shorten
from .times import rfc3339
from .transitions import Batch, Claim, Ending, JobState

FEW, MANY = 20, 1000  # ready steps that are looked at in one query
LONGEST_DELAY = 3600.0  # seconds between two attempts
WHY = 500  # characters of the reason that a person gives

# --- launch ---------------------------------------------------------------------------------------


def launch(
    definition: str | type[definitions.JobDefinition],
    params: Mapping[str, Any] | None = None,
    *,
    actor: Any = "",
    source: str = "python",
    again_of: Job | None = None,
    why: str = "",
    once: str = "",
) -> Job:
    """Write a new job, all steps pending; a worker takes it from there.

    *params* are Python values by field, or a QueryDict as a browser sends it. *again_of* is an
    older job that this one runs again, *why* the reason that a person gives. A second call with the
    same *once*, within a week, returns the job of the first. Raises UnknownDefinition and
    InvalidParams; then nothing was written.

    Joins a transaction of the caller that is open on Truestep's database, and no other: when
    TRUESTEP["database"] names another one than the caller's, the job is committed at once and may
    start before the caller's rows can be seen, even if those are rolled back. Launch it after
    them then: ``transaction.on_commit(lambda: launch(…))``.
    """

    def do() -> Job:
        return _launch(definition, params or {}, _name_of(actor), source, again_of, why, once)

    return intents.once(once, do, lambda job_id: Job.objects.get(pk=job_id))


def _launch(
    definition: str | type[definitions.JobDefinition],
    params: Mapping[str, Any],
    actor: str,
    source: str,
    again_of: Job | None,
    why: str,
    once: str,
) -> Job:
    cls = definitions.get(definition) if isinstance(definition, str) else definition
    understood = cls.understand(params, again_of.understood if again_of else None)
    try:
        cls.authorize(understood.cleaned, actor=actor, source=source)
    except ValidationError as error:
        raise InvalidParams(cls.name, _by_field(error), understood.form) from error
    launched = Fact(Code.JOB_LAUNCHED)
    if again_of:
        launched = Fact(Code.JOB_LAUNCHED_AGAIN, {"job": again_of.pk})
    job = None
    try:
        with _joined(once) if database.connection.in_atomic_block else database.write():
            job = transitions.bear(
                cls.name,
                understood,
                cls.steps().values(),
                actor=actor,
                source=source,
                fact=_because(launched, why),
                again_of=again_of,
                intent=once,
            )
    except BaseException as error:
        if job is None:
            raise
        same = Job.objects.filter(uuid=job.uuid)
        if not transitions.has_arrived(error, same.exists):
            raise
    crashpoints.reach("launch.after_commit")
    if again_of:
        database.on_commit(
            lambda: _note_followed(again_of.pk, job, why, actor=actor, source=source)
        )
    return job


def _joined(once: str) -> AbstractContextManager[None]:
    """Inside the caller's transaction; when another request was faster, it is to go on."""
    return database.atomic() if once else nullcontext()


def _note_followed(job_id: int, follower: Job, why: str, *, actor: str, source: str) -> None:
    """Tell in an older job's journal, and so on its page, which job runs it again."""

    def decide(batch: Batch) -> None:
        batch.note(_because(Fact(Code.NOTE_LAUNCHED_AGAIN, {"job": follower.pk}), why))

    with suppress(Job.DoesNotExist):
        state = JobState.load(job_id)
        transitions.commit(state, decide, name="note", actor=actor, source=source)


def _name_of(actor: Any) -> str:
    """Who asks, for the history: the number of a user whose name is empty or raises."""
    name = ""
    with suppress(Exception):  # __str__ is the project's own code
        name = clean(str(actor)).strip()
    number = getattr(actor, "pk", None)
    return name or ("" if number is None else f"user {number}")


def _because(fact: Fact, why: str) -> Fact:
    return fact.but(why=_kept(why) or None)


def _kept(why: str) -> str:
    """As much of the reason that a person gave as the journal has room for."""
    return shorten(clean(why), WHY)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


# --- running --------------------------------------------------------------------------------------


@dataclass
class Desk:
    """What one worker works on: who it is, what it knows, and the jobs it holds steps of."""

    worker: Worker
    knows: dict[str, list[str]]
    jobs: dict[int, JobState] = field(default_factory=dict)

    @cached_property
    def known(self) -> dict[str, frozenset[str]]:
        """The names of the steps that the worker knows, by definition."""
        return {definition: frozenset(names) for definition, names in self.knows.items()}

    def forget(self, held: Collection[int]) -> None:
        """Forget the jobs of which nothing is held, but the widest one that goes on.

        A job is read whole once, not again for each step of it that becomes free to start.
        """
        states = {pk: state for pk, state in self.jobs.items() if pk not in held}
        going_on = [pk for pk, state in states.items() if not state.job.is_finished]
        widest = max(going_on, key=lambda pk: len(states[pk].steps), default=None)
        for pk in states.keys() - {widest}:
            del self.jobs[pk]


def claim(desk: Desk, room: int) -> list[Claim]:
    """Start up to *room* ready steps of the oldest job that has any; empty when there is none."""

    def decide(batch: Batch) -> None:
        _start_ready(batch, desk, room)

    with _deleted_is_overtaken():
        state = _oldest_job(desk)
        if state is None:
            return []
        desk.jobs[state.job.pk] = state
        return transitions.commit(state, decide, name="claim", source="worker").claims


def _oldest_job(desk: Desk) -> JobState | None:
    """The oldest job that has a ready step which the worker knows."""
    ready = Step.objects.ready()
    if desk.worker.only_job_id:
        ready = ready.filter(job=desk.worker.only_job_id)
    job_id = _first_known(desk, ready)
    if job_id is None:
        return None
    if state := desk.jobs.get(job_id):  # one that the worker has is not read whole again
        state.refresh()
        return state
    return JobState.load(job_id)


def _first_known(desk: Desk, ready: StepQuerySet) -> int | None:
    """The job of the first ready step that the worker knows: mostly it is one of the first few.

    Behind them only definitions that the worker knows are looked at, many steps at a time.
    """
    place, most = None, FEW
    while True:
        steps = ready.behind(place, most)
        for step in steps:
            if step.name in desk.known.get(step.definition, ()):
                return step.job_id
        if len(steps) < most:
            return None
        place, most = (steps[-1].job_id, steps[-1].position), MANY
        ready = ready.filter(job__definition__in=list(desk.known))


def next_retry(desk: Desk) -> float:
    """Seconds until a step's pause before its retry is over; infinity when none pauses."""
    pausing = Step.objects.pausing()
    if desk.worker.only_job_id:
        pausing = pausing.filter(job=desk.worker.only_job_id)
    ends = pausing.aggregate(ends=Min("not_before"))["ends"]
    return (ends - timezone.now()).total_seconds() if ends else math.inf


def _known(desk: Desk, state: JobState) -> frozenset[str]:
    """The names of the steps of this job that the worker can run."""
    return desk.known.get(state.job.definition, frozenset())


def finish(
    desk: Desk, held: Claim, outcome: Outcome, room: int, *, log_lines: int | None = None
) -> list[Claim]:
    """Record how an attempt ended and start up to *room* steps of the same job, in one batch.

    *log_lines* is the number of the step's last log line, where it is known. Raises Overtaken when
    the attempt is not this worker's any more; nothing is written then.
    """

    def decide(batch: Batch) -> None:
        step = batch.held(held)
        _end(batch, step, held, desk.worker, outcome, log_lines)
        if outcome.verdict not in REQUEUED:
            _start_ready(batch, desk, room)

    with _deleted_is_overtaken():
        state = desk.jobs.get(held.job_id) or JobState.load(held.job_id)
        desk.jobs[held.job_id] = state
        try:
            return transitions.commit(state, decide, name="finish", source="worker").claims
        except Overtaken:
            if _is_recorded(held, desk.worker, outcome):
                return []  # the answer to an earlier COMMIT was lost
            raise


def _is_recorded(held: Claim, worker: Worker, outcome: Outcome) -> bool:
    """Whether this very end of the attempt is in the database already."""
    attempt = Attempt.objects.filter(step=held.step_id, number=held.attempt, worker=worker)
    return attempt.filter(started_at=held.started_at, verdict=outcome.verdict).exists()


@contextmanager
def _deleted_is_overtaken() -> Iterator[None]:
    """To a worker, a job that was deleted under its hands is one that somebody else took."""
    try:
        yield
    except Job.DoesNotExist as error:
        raise Overtaken("The job was deleted.") from error


def _end(
    batch: Batch,
    step: Step,
    held: Claim,
    worker: Worker | None,
    outcome: Outcome,
    log_lines: int | None,
) -> None:
    is_wanted = not batch.state.job.cancel_requested
    is_given_up = outcome.verdict is Verdict.INTERRUPTED and not step.may_be_interrupted
    if is_given_up and is_wanted:
        outcome = replace(outcome, error=_interruptions(step, outcome))
    ending = Ending(
        claim=held,
        worker=worker,
        verdict=outcome.verdict,
        fact=outcome.fact,
        result=outcome.result,
        error=outcome.error,
        traceback=outcome.traceback,
        log_lines=log_lines,
    )
    has_retry = outcome.may_retry and step.has_retry_left(outcome.verdict)
    match outcome.verdict:
        case Verdict.RETURNED:
            batch.succeed(step, ending)
        case Verdict.INTERRUPTED if is_given_up and is_wanted:
            batch.fail(step, ending, no_retry="interruptions")
        case Verdict.HANDED_BACK | Verdict.INTERRUPTED if is_wanted:
            batch.requeue(step, ending)
        case Verdict.STOPPED | Verdict.HANDED_BACK | Verdict.INTERRUPTED:
            batch.stop(step, ending)
        case verdict if verdict in CRASHES and not is_wanted:  # it was to end, and it has
            batch.stop(step, ending)
        case _ if has_retry and is_wanted:
            batch.retry_later(step, ending, _delay(step))
        case _ if has_retry:
            batch.stop(step, ending, no_retry="cancelled")
        case _:
            batch.fail(step, ending, no_retry=_limit_reached(step, outcome))


def _interruptions(step: Step, outcome: Outcome) -> str:
    """The error of a step that was interrupted too often: what happened each time."""
    interrupted = Attempt.objects.filter(step=step, verdict=Verdict.INTERRUPTED)
    numbers = interrupted.order_by("-number").values("number")[: step.interruptions]
    ends = Transition.objects.filter(step=step, kind=Kind.MOVE, from_status=Status.RUNNING)
    known = ends.filter(attempt__in=list(numbers.values_list("number", flat=True)))
    each = [f"Attempt {end.attempt}: {end.reason}." for end in known.order_by("seq")]
    each.append(f"Attempt {step.attempt}: {outcome.fact.reason}.")
    times = f"The step was interrupted {len(each)} times in all (TRUESTEP['crashes'])."
    return "\n".join([times, *each])


def _limit_reached(step: Step, outcome: Outcome) -> str:
    """Which limit keeps a step from a retry that it would have had otherwise."""
    has_retry_left = outcome.may_retry and step.failures < step.retries
    return "crashes" if outcome.verdict in CRASHES and has_retry_left else ""


def _delay(step: Step) -> float:
    """Seconds until the next attempt: twice as long each time, and never alike for many steps."""
    longer: float = step.retry_delay * 2 ** min(step.failures, 60)
    return min(LONGEST_DELAY, longer) * random.uniform(0.75, 1.25)


def end_for_others(ends: Iterable[tuple[Attempt, Outcome]]) -> None:
    """End attempts that nobody runs any more, each in a transaction of its own.

    They were read with their steps and workers; what somebody has moved since then stays as it is.
    A job is read whole once, not again for each of them.
    """
    states: dict[int, JobState] = {}
    for attempt, outcome in ends:
        with suppress(Overtaken, Job.DoesNotExist):
            job_id = attempt.step.job_id
            state = states[job_id] = states.get(job_id) or JobState.load(job_id)
            _end_for_another(state, attempt, outcome)


def _end_for_another(state: JobState, attempt: Attempt, outcome: Outcome) -> None:
    held = Claim.of(attempt.step, attempt.started_at)

    def decide(batch: Batch) -> None:
        _end(batch, batch.held(held), held, attempt.worker, outcome, None)

    transitions.commit(state, decide, name="recover", source="worker")


def _start_ready(batch: Batch, desk: Desk, room: int) -> None:
    known = _known(desk, batch.state)
    ready = (step for step in batch.ready() if step.name in known)
    for step in list(islice(ready, max(room, 0))):
        batch.start(step, desk.worker)


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


def give_up(job_id: int, facts: Mapping[int, Fact]) -> None:
    """Fail steps that no worker knows how to run, those that are still pending; why, by step."""

    def decide(batch: Batch) -> None:
        for step_id, fact in facts.items():
            step = batch.state.steps[step_id]
            if step.status == Status.PENDING:
                batch.give_up(step, fact)

    with suppress(Job.DoesNotExist):
        transitions.commit(JobState.load(job_id), decide, name="give_up", source="worker")


def note_refused(desk: Desk, held: Claim) -> None:
    """Journal that a late write of an attempt was refused, if the job is still there."""

    def decide(batch: Batch) -> None:
        if step := batch.state.steps.get(held.step_id):
            late = {"attempt": held.attempt, "worker": str(desk.worker)}
            batch.note(Fact(Code.NOTE_LATE_WRITE, late), step)

    with suppress(Job.DoesNotExist):
        state = desk.jobs.get(held.job_id) or JobState.load(held.job_id)
        transitions.commit(state, decide, name="note", source="worker")


# --- what people ask for --------------------------------------------------------------------------


def cancel(
    job_id: int,
    *,
    actor: Any = "",
    source: str = "python",
    once: str = "",
    handed_over_at: datetime | None = None,
) -> bool:
    """Ask a job to stop: pending steps are cancelled immediately, running ones by their workers.

    Returns whether this call made the request: False when the job has ended or is already being
    cancelled; the journal notes that. A second call with the same *once*, within a week, returns
    what the first did. *handed_over_at* is when somebody asked a worker instead of the database:
    several workers may journal such a request, and the first one does. Raises Job.DoesNotExist.
    """

    def decide(batch: Batch) -> None:
        job = batch.state.job
        if handed_over_at and job.cancel_requested:
            pass  # another worker has journaled the same request
        elif job.is_finished:
            batch.note(Fact(Code.NOTE_CANCEL_OF_ENDED, {"status": job.status}))
        elif job.cancel_requested:
            batch.note(Fact(Code.NOTE_CANCEL_REPEATED))
        else:
            batch.request_cancel()
            batch.cancel_pending()
            if handed_over_at:
                asked = {"asked_at": rfc3339(handed_over_at)}
                batch.note(Fact(Code.NOTE_CANCEL_HANDED_OVER, asked))
        batch.remember(once, batch.has_request)

    def do() -> bool:
        state = JobState.load(job_id)
        batch = transitions.commit(
            state, decide, name="cancel", actor=_name_of(actor), source=source
        )
        return batch.has_request

    return intents.once(once, do, bool)


def retry(
    job_id: int,
    step: str = "",
    *,
    actor: Any = "",
    source: str = "python",
    why: str = "",
    once: str = "",
) -> list[str]:
    """Take a step, or all that failed or were cancelled, back to pending. Earlier results stay.

    What the chosen steps need comes along if it did not succeed, and so do the skipped steps that
    can run then. Returns the names of all these; empty when there is nothing to try again, because
    the step or job has not failed or somebody was faster; the journal notes that. A second call
    with the same *once*, within a week, returns what the first did. Raises Job.DoesNotExist and
    UnknownStep.
    """

    def decide(batch: Batch) -> None:
        state = batch.state
        chosen = [row for row in state.steps.values() if row.name == step]
        if step and not chosen:
            raise UnknownStep(state.job, step)
        if not step:
            ended_badly = (Status.FAILED, Status.CANCELLED)
            chosen = [row for row in state.steps.values() if row.status in ended_badly]
        chosen = _with_needs(state, chosen)
        is_being_cancelled = state.job.cancel_requested and not state.job.is_finished
        if is_being_cancelled:
            batch.note(Fact(Code.NOTE_RETRY_WHILE_CANCELLING))
        elif chosen:
            batch.retry(chosen, _kept(why))
        elif step:
            status = _row_named(state, step).status
            batch.note(Fact(Code.NOTE_RETRY_OF_STEP, {"step": step, "status": status}))
        else:
            batch.note(Fact(Code.NOTE_RETRY_OF_NOTHING))
        batch.remember(once, batch.taken_back)

    def do() -> list[str]:
        state = JobState.load(job_id)
        batch = transitions.commit(
            state, decide, name="retry", actor=_name_of(actor), source=source
        )
        return batch.taken_back

    return intents.once(once, do, list)


def _row_named(state: JobState, name: str) -> Step:
    return next(row for row in state.steps.values() if row.name == name)


def _with_needs(state: JobState, steps: Iterable[Step]) -> list[Step]:
    """Those of *steps* that can be taken back, with all they need that did not succeed."""
    found: dict[int, Step] = {}
    todo = [row for row in steps if row.status in STEP_RETRIES]
    while todo:
        row = todo.pop()
        if row.pk not in found:
            found[row.pk] = row
            needed = (state.steps[pk] for pk in state.needs.get(row.pk, ()))
            todo += [each for each in needed if each.status in STEP_RETRIES]
    return sorted(found.values(), key=lambda row: row.position)
