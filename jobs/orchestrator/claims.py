"""A worker takes ready steps and starts their attempts."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain, islice, repeat

from django.utils import timezone

from .. import journal
from ..exceptions import Overtaken
from ..journal import Batch, Claim, Collision, JobState
from ..models import Job, Worker, ready_steps

FEW, MANY = 20, 1000  # ready steps that are looked at in one query
OVERTAKEN_CLAIMS = 3  # before a claim locks the job that it wants


@dataclass
class Claimant:
    """A worker as the orchestrator sees it: what it can run, and the jobs it holds steps of."""

    worker: Worker
    knows: dict[str, list[str]]
    jobs: dict[int, JobState] = field(default_factory=dict)

    @cached_property
    def known(self) -> dict[str, frozenset[str]]:
        """The names of the steps that the worker can run, by definition."""
        return {definition: frozenset(names) for definition, names in self.knows.items()}

    def state_of(self, job_id: int) -> JobState:
        """The remembered job, or the job read from the database. Raises Job.DoesNotExist."""
        return self.jobs.get(job_id) or JobState.load(job_id)

    def forget(self, held: Collection[int]) -> None:
        """Forget the jobs it holds no step of, except the widest unfinished one.

        A job is read whole once, not again for each of its steps that becomes free to start.
        """
        states = {pk: state for pk, state in self.jobs.items() if pk not in held}
        going_on = [pk for pk, state in states.items() if not state.job.is_finished]
        widest = max(going_on, key=lambda pk: len(states[pk].steps), default=None)
        for pk in states.keys() - {widest}:
            del self.jobs[pk]


def claim(claimant: Claimant, room: int) -> list[Claim]:
    """Start up to *room* ready steps of the oldest job that has any; empty when there is none.

    Where another worker was faster, it looks again, and leaves that worker its job.
    """
    if room <= 0:
        return []

    def decide(batch: Batch) -> None:
        start_ready(batch, claimant, room)

    for gives_way in chain(repeat(True, OVERTAKEN_CLAIMS), repeat(False)):
        try:
            with deleted_is_overtaken():
                state = oldest_job(claimant)
                if state is None:
                    return []
                claimant.jobs[state.job.pk] = state
                claims = journal.commit(
                    state, decide, name="claim", source="worker", gives_way=gives_way
                ).claims
        except Collision:
            if not gives_way:
                raise
        else:
            if claims:  # none: another worker started the steps before the job was read
                return claims
    raise AssertionError("the loop has no end of its own")


def start_ready(batch: Batch, claimant: Claimant, room: int) -> None:
    """Start up to *room* steps of the batch's job that the worker can run."""
    known = claimant.known.get(batch.state.job.definition, frozenset())
    ready = (step for step in batch.ready() if step.name in known)
    for step in list(islice(ready, max(room, 0))):
        batch.start(step, claimant.worker)


def next_retry(claimant: Claimant) -> float:
    """Seconds until a step's pause before its retry is over; infinity when none pauses."""
    step = journal.read_next_retry(claimant.worker.only_job_id)
    if step is None or step.not_before is None:
        return math.inf
    return (step.not_before - timezone.now()).total_seconds()


@contextmanager
def deleted_is_overtaken() -> Iterator[None]:
    """To a worker, a deleted job is like one that another worker took over."""
    try:
        yield
    except Job.DoesNotExist as error:
        raise Overtaken("The job was deleted.") from error


def oldest_job(claimant: Claimant, besides: Collection[int] = ()) -> JobState | None:
    """The oldest job that has a ready step which the worker can run, *besides* these jobs."""
    job_id = _first_known(claimant, besides)
    if job_id is None:
        return None
    if state := claimant.jobs.get(job_id):  # what is remembered is not read whole again
        state.refresh()
        return state
    return JobState.load(job_id)


def _first_known(claimant: Claimant, besides: Collection[int]) -> int | None:
    """The job of the first ready step that the worker can run, *besides* these jobs.

    It is usually one of the first few, and checking these is cheaper than filtering on every known
    step. Behind them only known definitions are looked at, many steps at a time.
    """
    look = partial(ready_steps, job_id=claimant.worker.only_job_id)
    steps, most = look(FEW), FEW
    while True:
        for step in steps:
            is_known = step.name in claimant.known.get(step.definition, ())
            if is_known and step.job_id not in besides:
                return step.job_id
        if len(steps) < most:
            return None
        behind, most = (steps[-1].job_id, steps[-1].position), MANY
        steps = look(most, behind=behind, definitions=list(claimant.known))
