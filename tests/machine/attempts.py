"""What workers do with the attempts that they have claimed, also too late or twice."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from jobs import orchestrator
from jobs.codes import Fact
from jobs.exceptions import Overtaken
from jobs.logs import LogBook
from jobs.models import Attempt, Job, Queue
from jobs.runner import Outcome
from jobs.statuses import Verdict
from tests.machine.actions import action
from tests.machine.simulation import HeldAttempt, SimulatedWorker, Simulation
from tests.support import rows


@action("workers", weight=5, room=3)
def claim(simulation: Simulation, worker: SimulatedWorker, room: int) -> list[HeldAttempt]:
    if worker.is_drained:
        return []
    claims = orchestrator.claim(worker.claimant, room + 1)
    paused = set(Queue.objects.filter(is_paused=True).values_list("name", flat=True))
    assert not paused & {each.queue for each in claims}
    return take(worker, claims)


@action("workers")
def claim_without_an_answer(simulation: Simulation, worker: SimulatedWorker) -> None:
    """The answer to the COMMIT is lost."""
    lost = claim(simulation, worker, 0)
    worker.held = [attempt for attempt in worker.held if attempt not in lost]
    simulation.past += lost


def take(worker: SimulatedWorker, claims: Collection[Any]) -> list[HeldAttempt]:
    taken = [
        HeldAttempt(worker, claim, LogBook(claim, 2000), worker.claimant.jobs[claim.job_id])
        for claim in claims
    ]
    for attempt in taken:
        check_claim(attempt)
    worker.held += taken
    served = worker.registration.worker.queues
    assert all(most is None or worker.taken[queue] <= most for queue, most in served.items())
    return taken


def check_claim(attempt: HeldAttempt) -> None:
    """No other attempt is open, the worker knows the step and may take it, its job has its key."""
    worker, job_id = attempt.worker.registration.worker, attempt.claim.job_id
    assert not worker.queues or attempt.claim.queue in worker.queues
    assert Job.objects.get(pk=job_id).key_number != 0
    assert attempt.claim.name in worker.knows[attempt.state.job.definition]
    assert worker.only_job_id in (None, job_id)
    assert is_open(attempt)


@action("held", weight=2, lines=4, done=3)
def log(simulation: Simulation, attempt: HeldAttempt, lines: int, done: int) -> None:
    for number in range(lines):
        attempt.book.add(f"line {number}")
    if done:
        attempt.book.progress(done, 2, "done")
    write(simulation, attempt, attempt.book.write)


@action("held", weight=4, room=2, finds_children=2, twice=4)
def finish(
    simulation: Simulation, attempt: HeldAttempt, room: int, finds_children: int, twice: int
) -> None:
    """It returned."""
    end(simulation, attempt, "returned", "", room=room, result={"children": finds_children})
    if twice == 3:
        end(simulation, attempt, "returned", "", room=0, result={"children": finds_children})


@action("held", weight=3, how=4, may_retry=3, room=2)
def fail(simulation: Simulation, attempt: HeldAttempt, how: int, may_retry: int, room: int) -> None:
    verdict = ("failed", "timed out", "died", "lost")[how]
    end(simulation, attempt, verdict, f"it {verdict}", room=room, may_retry=bool(may_retry))


@action("held", room=2)
def stop(simulation: Simulation, attempt: HeldAttempt, room: int) -> None:
    """The worker has noticed the cancel, and has ended the step."""
    if Job.objects.filter(pk=attempt.claim.job_id, cancel_requested=True).exists():
        end(simulation, attempt, "stopped", "cancelled while it ran", room=room)


@action("held")
def requeue(simulation: Simulation, attempt: HeldAttempt) -> None:
    end(simulation, attempt, "handed back", "no room", room=0)


@action("overtaken", weight=5, how=4)
def deliver_late_to_a_later_attempt(simulation: Simulation, attempt: HeldAttempt, how: int) -> None:
    deliver_late(simulation, attempt, how)


@action("past", how=4)
def deliver_late(simulation: Simulation, attempt: HeldAttempt, how: int) -> None:
    """Something arrives from an attempt that its worker no longer holds."""
    if how == 0:
        attempt.book.add("late")
        write(simulation, attempt, attempt.book.write)
    elif how == 1:
        attempt.book.progress(1, 1, "late")
        write(simulation, attempt, attempt.book.write)
    else:
        end(simulation, attempt, ("returned", "failed")[how - 2], "late", room=1)


def end(
    simulation: Simulation,
    attempt: HeldAttempt,
    verdict: str,
    reason: str,
    *,
    room: int,
    result: Any = None,
    **more: Any,
) -> None:
    worker = attempt.worker
    outcome = Outcome(
        verdict=Verdict(verdict), fact=Fact.text(reason), error=reason, result=result, **more
    )
    worker.claimant.jobs[attempt.claim.job_id] = attempt.state  # as stale as it may be
    may_claim = worker in simulation.workers and not worker.is_drained
    claims = write(
        simulation,
        attempt,
        lambda: orchestrator.finish(
            worker.claimant, attempt.claim, outcome, room if may_claim else 0
        ),
    )
    if attempt in worker.held:
        worker.held.remove(attempt)
    if attempt not in simulation.past:
        simulation.past.append(attempt)
    take(worker, claims or ())


def write(simulation: Simulation, attempt: HeldAttempt, operation: Callable[[], Any]) -> Any:
    """A write of an attempt: accepted while it is open, otherwise refused without a trace."""
    may_write = is_open(attempt)
    before = None if may_write else rows()
    try:
        answer = operation()
    except Overtaken:
        assert not may_write, "the attempt that owns its step was refused"
        assert rows() == before
        orchestrator.note_refused(attempt.worker.claimant, attempt.claim)
        if attempt in attempt.worker.held:
            attempt.worker.held.remove(attempt)
            simulation.past.append(attempt)
        return None
    assert may_write or rows() == before, "a late write was accepted"
    return answer


def is_open(attempt: HeldAttempt) -> bool:
    """By the attempt's own row, not by the fence."""
    mine = Attempt.objects.filter(step=attempt.claim.step_id, number=attempt.claim.attempt)
    return mine.filter(worker=attempt.worker.registration.worker, ended_at=None).exists()
