"""The situations of the crash matrix: each sets up rows and returns the operation to perform."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from jobs import Concurrency, definitions, orchestrator, workers
from jobs.codes import Fact
from jobs.logs import LogBook
from jobs.orchestrator import Claimant, Ended
from jobs.runner import Outcome
from jobs.statuses import Verdict, Wanted
from jobs.upkeep import Sweep
from jobs.workers import Registration
from tests.support import ended, returned, step_of

Perform = Callable[[], Any]


SITUATIONS: dict[str, Callable[[WorkerUnderTest], Perform]] = {}


SECRET = {"token": "sealed until the end"}


def situation(make: Callable[[WorkerUnderTest], Perform]) -> Callable[[WorkerUnderTest], Perform]:
    """Brings rows about, and returns the operation to perform on them."""
    SITUATIONS[make.__name__] = make
    return make


def new_worker() -> tuple[Registration, Claimant]:
    """A worker of this process that knows the jobs of these tests."""
    knows = {name: list(definitions.get(name).steps()) for name in ("sturdy", "woven")}
    registration = workers.register(slots=2, knows=knows)
    return registration, Claimant(registration.worker, knows)


class WorkerUnderTest:
    """The worker that the child is."""

    def __init__(self) -> None:
        self.registration, self.claimant = new_worker()

    def claimed(self, claimant=None, params=SECRET):
        """A new job, and the claim of its first step."""
        job = orchestrator.launch("sturdy", params)
        [held] = orchestrator.claim(claimant or self.claimant, room=1)
        return job, held

    def failed_job(self):
        """A job whose first step has failed, with the two after it skipped."""
        job, held = self.claimed(params={})  # one with secrets is not retried
        orchestrator.finish(self.claimant, held, HOPELESS, room=0)
        for held in orchestrator.claim(self.claimant, room=2):
            orchestrator.finish(self.claimant, held, RETURNED, room=0)
        return job


RETURNED = returned({"answer": 42})


HOPELESS = Outcome(
    verdict=Verdict.FAILED, fact=Fact.text("raised"), error="no luck", may_retry=False
)


def _finish(worker, held, outcome, room=1):
    return lambda: orchestrator.finish(worker.claimant, held, outcome, room=room)


@situation
def launch(worker):
    return lambda: orchestrator.launch("sturdy", SECRET, actor="ada")


@situation
def launch_once(worker):
    return lambda: orchestrator.launch("sturdy", actor="ada", once="a form")


@situation
def claim(worker):
    orchestrator.launch("sturdy")
    return lambda: orchestrator.claim(worker.claimant, room=2)


@situation
def finish(worker):
    """The next step starts in the same batch."""
    _, held = worker.claimed()
    return _finish(worker, held, RETURNED)


@situation
def finish_the_last(worker):
    """The job ends with it."""
    _, held = worker.claimed()
    for _ in range(3):
        [held] = orchestrator.finish(worker.claimant, held, RETURNED, room=1)
    return _finish(worker, held, RETURNED)


@situation
def a_round(worker):
    """One job ends, the next steps of another start, and a third job is claimed."""
    _, last = worker.claimed()
    for _ in range(3):
        [last] = orchestrator.finish(worker.claimant, last, RETURNED, room=1)
    _, first = worker.claimed()
    orchestrator.launch("sturdy")
    ends = [Ended(held, RETURNED, LogBook(held, 0).tail()) for held in (last, first)]
    return lambda: orchestrator.finish_and_claim(worker.claimant, ends, room=3)


@situation
def finish_with_a_retry_left(worker):
    _, held = worker.claimed()
    return _finish(worker, held, ended(Verdict.FAILED))


@situation
def finish_for_good(worker):
    """What needs it is skipped."""
    _, held = worker.claimed()
    return _finish(worker, held, HOPELESS)


@situation
def finish_cancelled(worker):
    job, held = worker.claimed()
    orchestrator.cancel(job.pk)
    return _finish(worker, held, ended(Verdict.STOPPED))


@situation
def requeue(worker):
    _, held = worker.claimed()
    return _finish(worker, held, ended(Verdict.HANDED_BACK))


@situation
def recover(worker):
    """A sweep finds a dead worker and its step."""
    registration, claimant = new_worker()
    worker.claimed(claimant)
    os.close(registration._lock)
    sweep = Sweep(worker.claimant)
    return lambda: sweep.run(held=())


@situation
def launch_with_a_key(worker):
    return lambda: orchestrator.launch("sturdy", concurrency=Concurrency(key="a key"))


@situation
def hand_over(worker):
    """The job ends with it, and another job waits for its key."""
    orchestrator.launch("sturdy", concurrency=Concurrency(key="a key"))
    orchestrator.launch("sturdy", concurrency=Concurrency(key="a key"))
    [held] = orchestrator.claim(worker.claimant, room=1)
    for _ in range(3):
        [held] = orchestrator.finish(worker.claimant, held, RETURNED, room=1)
    return _finish(worker, held, RETURNED)


@situation
def give_up(worker):
    job = orchestrator.launch("sturdy", SECRET)
    step = step_of(job, "first")
    return lambda: orchestrator.give_up(job.pk, {step.pk: Fact.text("no worker knows it")})


@situation
def cancel(worker):
    """One step runs, the others wait."""
    job, _ = worker.claimed()
    return lambda: orchestrator.cancel(job.pk, actor="ada")


@situation
def cancel_before_it_started(worker):
    job = orchestrator.launch("sturdy", SECRET)
    return lambda: orchestrator.cancel(job.pk, actor="ada")


@situation
def retry(worker):
    job = worker.failed_job()
    return lambda: orchestrator.retry(job.pk, actor="ada", why="it was the network")


@situation
def cancel_once(worker):
    job, _ = worker.claimed()
    return lambda: orchestrator.cancel(job.pk, actor="ada", once="a form")


@situation
def retry_once(worker):
    job = worker.failed_job()
    return lambda: orchestrator.retry(job.pk, actor="ada", once="a form")


@situation
def note(worker):
    """Another worker has taken the step over."""
    _, held = worker.claimed()
    return lambda: orchestrator.note_refused(worker.claimant, held)


@situation
def log(worker):
    _, held = worker.claimed()
    book = LogBook(held, limit=1_000_000)
    book.add("written before")
    book.write()
    for number in range(3):
        book.add(f"line {number}")
    book.progress(1, 3, "counting")
    return book.write


@situation
def ask_for_stack(worker):
    job, _ = worker.claimed()
    return lambda: orchestrator.ask_for_stack(job.pk, "first")


@situation
def answer_stack(worker):
    job, held = worker.claimed()
    orchestrator.ask_for_stack(job.pk, "first")
    return lambda: orchestrator.answer_stacks({held.step_id: {"attempt": 1, "problem": "none"}})


@situation
def pause_queue_once(worker):
    return lambda: orchestrator.pause_queue("gpu", actor="ada", once="a form")


@situation
def drain_worker(worker):
    other = new_worker()[0].worker.pk
    return lambda: orchestrator.order_worker(other, Wanted.DRAIN, actor="ada")


@situation
def beat(worker):
    return worker.registration.beat_in_row


@situation
def register(worker):
    return new_worker


@situation
def deregister(worker):
    registration, _ = new_worker()
    return registration.deregister
