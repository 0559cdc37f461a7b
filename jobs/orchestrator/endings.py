"""How an attempt ended, and what follows: success, a retry, a requeue, a failure or a stop."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from .. import journal
from ..codes import Code, Fact
from ..exceptions import Overtaken
from ..journal import Batch, Claim, Ending, JobState, LogTail
from ..models import Attempt, Job, Step, Transition, Worker
from ..runner import Outcome
from ..statuses import CRASHES, REQUEUED, Kind, Status, Verdict
from . import lines
from .claims import Claimant, Room, deleted_is_overtaken, start_ready

LONGEST_DELAY = 3600.0  # seconds between two attempts


def finish(
    claimant: Claimant, held: Claim, outcome: Outcome, room: int, *, tail: LogTail | None = None
) -> list[Claim]:
    """Record how an attempt ended and start up to *room* steps of the same job, in one batch.

    *tail* is the end of its log, where that is known. Raises Overtaken when the attempt is not this
    worker's any more, and LogMoved when the log does not end there; nothing is written then.
    """

    def decide(batch: Batch) -> None:
        end(batch, claimant.worker, held, outcome, tail)
        if outcome.verdict not in REQUEUED:
            start_ready(batch, claimant, Room(claimant, room, [held]))

    with deleted_is_overtaken():
        state = claimant.jobs[held.job_id] = claimant.state_of(held.job_id)
        try:
            batch = journal.commit(state, decide, name="finish", source="worker")
        except Overtaken:
            if _is_recorded(held, claimant.worker, outcome):  # an earlier answer was lost
                lines.try_to_hand_over(state.job.key)
                return []
            raise
        lines.move_on(batch)
        return batch.claims


def end(
    batch: Batch, worker: Worker | None, held: Claim, outcome: Outcome, tail: LogTail | None = None
) -> None:
    """Decide what follows from the end of an attempt. Raises Overtaken."""
    ending = Ending(
        claim=held,
        worker=worker,
        verdict=outcome.verdict,
        fact=outcome.fact,
        result=outcome.result,
        error=outcome.error,
        traceback=outcome.traceback,
        used=outcome.used,
        tail=tail,
    )
    _end(batch, batch.held(held), ending, outcome.may_retry)


def end_for_others(ends: Iterable[tuple[Attempt, Outcome]]) -> None:
    """End attempts that no worker runs any more, each in a transaction of its own.

    They were read with their steps and workers; an attempt that was moved since then stays as it
    is. A job is read whole once, not again for each of them.
    """
    states: dict[int, JobState] = {}
    for attempt, outcome in ends:
        with suppress(Overtaken, Job.DoesNotExist):
            job_id = attempt.step.job_id
            state = states[job_id] = states.get(job_id) or JobState.load(job_id)
            _end_for_another(state, attempt, outcome)


def give_up(job_id: int, facts: Mapping[int, Fact]) -> None:
    """Fail those of these steps that are still pending; why, by step.

    Raises nothing when the job is gone.
    """

    def decide(batch: Batch) -> None:
        for step_id, fact in facts.items():
            step = batch.state.steps[step_id]
            if step.status == Status.PENDING:
                batch.give_up(step, fact)

    with suppress(Job.DoesNotExist):
        batch = journal.commit(JobState.load(job_id), decide, name="give_up", source="worker")
        lines.move_on(batch)


def note_refused(claimant: Claimant, held: Claim) -> None:
    """Journal that a late write of an attempt was refused, if the job is still there."""

    def decide(batch: Batch) -> None:
        if step := batch.state.steps.get(held.step_id):
            late = {"attempt": held.attempt, "worker": str(claimant.worker)}
            batch.note(Fact(Code.NOTE_LATE_WRITE, late), step)

    with suppress(Job.DoesNotExist):
        state = claimant.state_of(held.job_id)
        journal.commit(state, decide, name="note", source="worker")


def _end_for_another(state: JobState, attempt: Attempt, outcome: Outcome) -> None:
    held = Claim.of(attempt.step, attempt.started_at)

    def decide(batch: Batch) -> None:
        end(batch, attempt.worker, held, outcome)

    lines.move_on(journal.commit(state, decide, name="recover", source="worker"))


def _is_recorded(held: Claim, worker: Worker, outcome: Outcome) -> bool:
    """Whether this very end of the attempt is in the database already."""
    attempt = Attempt.objects.filter(step=held.step_id, number=held.attempt, worker=worker)
    return attempt.filter(started_at=held.started_at, verdict=outcome.verdict).exists()


def _end(batch: Batch, step: Step, ending: Ending, may_retry: bool) -> None:
    if batch.state.job.cancel_requested:
        _end_cancelled(batch, step, ending, may_retry)
        return
    match ending.verdict:
        case Verdict.RETURNED:
            batch.succeed(step, ending)
        case Verdict.INTERRUPTED if not step.may_be_interrupted:
            given_up = replace(ending, error=_interruptions(step, ending))
            batch.fail(step, given_up, no_retry="interruptions")
        case Verdict.HANDED_BACK | Verdict.INTERRUPTED:
            batch.requeue(step, ending)
        case Verdict.STOPPED:
            batch.stop(step, ending)
        case verdict if may_retry and step.has_retry_left(verdict):
            batch.retry_later(step, ending, _delay(step))
        case verdict if may_retry and verdict in CRASHES and step.failures < step.retries:
            batch.fail(step, ending, no_retry="crashes")
        case _:
            batch.fail(step, ending)


def _end_cancelled(batch: Batch, step: Step, ending: Ending, may_retry: bool) -> None:
    """The step was to stop. It has, however it ended; only a real failure stays one."""
    match ending.verdict:
        case Verdict.RETURNED:
            batch.succeed(step, ending)
        case Verdict.TIMED_OUT if ending.fact.code == Code.STEP_DEADLINE_PASSED:
            batch.fail(step, ending)
        case verdict if verdict in REQUEUED | CRASHES | {Verdict.STOPPED}:
            batch.stop(step, ending)
        case verdict if may_retry and step.has_retry_left(verdict):
            batch.stop(step, ending, no_retry="cancelled")
        case _:
            batch.fail(step, ending)


def _interruptions(step: Step, ending: Ending) -> str:
    """The error of a step that was interrupted too often: what happened each time."""
    interrupted = Attempt.objects.filter(step=step, verdict=Verdict.INTERRUPTED)
    numbers = interrupted.order_by("-number").values("number")[: step.interruptions]
    ends = Transition.objects.filter(step=step, kind=Kind.MOVE, from_status=Status.RUNNING)
    known = ends.filter(attempt__in=list(numbers.values_list("number", flat=True)))
    each = [f"Attempt {end.attempt}: {end.reason}." for end in known.order_by("seq")]
    each.append(f"Attempt {step.attempt}: {ending.fact.reason}.")
    times = f"The step was interrupted {len(each)} times in all (TRUESTEP['crashes'])."
    return "\n".join([times, *each])


def _delay(step: Step) -> float:
    """Seconds until the next attempt: twice as long each time, and different for many steps."""
    longer: float = step.retry_delay * 2 ** min(step.failures, 60)
    return min(LONGEST_DELAY, longer) * random.uniform(0.75, 1.25)
