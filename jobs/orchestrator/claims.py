"""A worker takes ready steps and starts their attempts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain, repeat

from django.utils import timezone

from .. import journal
from ..exceptions import Overtaken
from ..journal import Batch, Claim, Collision, JobState
from ..models import Job, Place, Step, Worker, ready_steps

FEW, MANY = 20, 1000  # ready steps that are looked at in one query
OVERTAKEN_CLAIMS = 3  # before a claim locks the job that it wants


@dataclass
class Claimant:
    """A worker as the orchestrator sees it: what it can run, and the jobs it holds steps of."""

    worker: Worker
    knows: dict[str, list[str]]
    jobs: dict[int, JobState] = field(default_factory=dict)
    taken: Callable[[], Counter[str]] = Counter  # slots that run a step, by its queue
    paused: Collection[str] = ()  # queues, when they were last read

    @cached_property
    def known(self) -> dict[str, frozenset[str]]:
        """The names of the steps that the worker can run, by definition."""
        return {definition: frozenset(names) for definition, names in self.knows.items()}

    @cached_property
    def only(self) -> Place | None:
        """The place of the one job that the worker runs, if it runs one only."""
        job_id = self.worker.only_job_id
        if job_id is None:
            return None
        priority = Job.objects.filter(pk=job_id).values_list("priority", flat=True).first()
        return Place(-(priority or 0), job_id, -1)

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


class Room:
    """The free slots of a worker: in all, and for each queue that may take only some of them."""

    def __init__(self, claimant: Claimant, slots: int, ended: Iterable[Claim] = ()) -> None:
        """There are *slots* free ones, among them those of the attempts that have *ended*."""
        self.slots = slots
        self._served: dict[str, int | None] = dict(claimant.worker.queues)
        if any(self._served.values()):
            taken = claimant.taken() - Counter(held.queue for held in ended)
            for queue, most in self._served.items():
                self._served[queue] = most and most - taken[queue]

    @property
    def queues(self) -> list[str] | None:
        """The queues whose steps may start; None for every queue."""
        return [queue for queue in self._served if self.has(queue)] if self._served else None

    def has(self, queue: str) -> bool:
        """Whether a step of the queue may start."""
        if self.slots <= 0:
            return False
        left = self._served.get(queue, 0) if self._served else None
        return left is None or left > 0

    def take(self, queue: str) -> None:
        self.slots -= 1
        if left := self._served.get(queue):
            self._served[queue] = left - 1


def claim(claimant: Claimant, room: int) -> list[Claim]:
    """Start up to *room* ready steps of the first job that has any; empty when there is none.

    Where another worker was faster, it looks again, and leaves that worker its job.
    """

    def decide(batch: Batch) -> None:
        start_ready(batch, claimant, Room(claimant, room))

    for gives_way in chain(repeat(True, OVERTAKEN_CLAIMS), repeat(False)):
        try:
            with deleted_is_overtaken():
                state = next_job(claimant, Room(claimant, room))
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


def start_ready(batch: Batch, claimant: Claimant, room: Room) -> None:
    """Start the steps of the batch's job that the worker can run, as far as there is *room*.

    None starts behind the job's deadline. A batch that only starts steps ends the job instead.
    """
    if batch.is_overdue:
        if batch.is_empty:
            end_at_deadline(batch)
        return
    known = claimant.known.get(batch.state.job.definition, frozenset())

    def chosen() -> Iterator[Step]:
        for step in batch.ready(lambda queue: room.has(queue) and queue not in claimant.paused):
            if room.slots <= 0:
                return
            if step.name in known and room.has(step.queue):
                room.take(step.queue)
                yield step

    for step in list(chosen()):  # first: what starts is not ready any more
        batch.start(step, claimant.worker)


def end_at_deadline(batch: Batch) -> None:
    """Cancel the batch's job because its deadline has passed."""
    batch.request_end_at_deadline()
    batch.cancel_pending()


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


def next_job(claimant: Claimant, room: Room, besides: Collection[int] = ()) -> JobState | None:
    """The first job with a ready step for which the worker has *room*, *besides* these jobs."""
    job_id = _first_known(claimant, room, besides)
    if job_id is None:
        return None
    if state := claimant.jobs.get(job_id):  # what is remembered is not read whole again
        state.refresh()
        return state
    return JobState.load(job_id)


def _first_known(claimant: Claimant, room: Room, besides: Collection[int]) -> int | None:
    """The job of the first ready step that the worker can run, *besides* these jobs.

    It is usually one of the first few, and checking these is cheaper than filtering on every known
    step. Behind them only known definitions are looked at, many steps at a time.
    """
    if room.slots <= 0:
        return None
    look = partial(ready_steps, queues=room.queues, only=claimant.only)
    (steps, claimant.paused), most = look(FEW), FEW
    while True:
        for step in steps:
            is_known = step.name in claimant.known.get(step.definition, ())
            if is_known and step.job_id not in besides:
                return step.job_id
        if len(steps) < most:
            return None
        behind, most = steps[-1].place, MANY
        steps, _ = look(most, behind=behind, definitions=list(claimant.known))
