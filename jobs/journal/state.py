"""A job as it is remembered between two batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..models import Job, Step, Transition
from ..plan import Plan
from .reading import read_changed_steps, read_job, read_needs, read_steps
from .tally import Tally


@dataclass
class JobState:
    """A job, its steps and its plan as of ``job.seq``."""

    job: Job
    steps: dict[int, Step]
    plan: Plan[int]
    results: dict[int, Any] = field(default_factory=dict)  # of succeeded steps, as far as known
    given: dict[int, str] = field(default_factory=dict)  # to the steps that started last
    _stale: set[int] = field(default_factory=set)  # steps that the tally has to count again

    def __post_init__(self) -> None:
        self._tally = Tally(self.steps.values())

    @classmethod
    def load(cls, job_id: int) -> JobState:
        """Read the whole job. Raises Job.DoesNotExist."""
        job = read_job(job_id)  # first: if it moves on now, a batch on these rows collides
        steps = {step.pk: step for step in read_steps(job_id)}
        return cls(job=job, steps=steps, plan=read_plan(steps))

    def refresh(self, *, lock: bool = False) -> None:
        """Read what has changed since the entry that is remembered.

        With *lock*, no one else moves the job until the transaction in progress has ended. Raises
        Job.DoesNotExist.
        """
        known = self.job
        job = _lock(known.pk) if lock else read_job(known.pk)
        if (job.seq, job.tag) == (known.seq, known.tag):
            self.job = job
            return
        if not Transition.objects.filter(job=known.pk, seq=known.seq, tag=known.tag).exists():
            vars(self).update(vars(JobState.load(known.pk)))  # the database is an older copy
            return
        for step in read_changed_steps(known.pk, known.seq):
            self.replace(step)
        self.job = job  # last: after an interrupted read, the same is read again

    def touch(self, step: Step) -> None:
        """The step is about to change in place."""
        self._stale.add(step.pk)

    def replace(self, step: Step) -> None:
        """Remember this row of the step from now on."""
        self.steps[step.pk] = step
        self._stale.add(step.pk)

    @property
    def tally(self) -> Tally:
        """The steps by status and by what may start, as they are now."""
        while self._stale:
            self._tally.note(self.steps[self._stale.pop()])
        return self._tally

    def ready_queues(self, now: datetime) -> set[str]:
        """The queues of the steps that may start now."""
        return set() if self.job.cancel_requested else self.tally.queues(now)

    def ready(self, now: datetime, serves: Callable[[str], bool]) -> Iterator[Step]:
        """Steps of the queues that somebody *serves* that may start, in the definition's order."""
        return iter(()) if self.job.cancel_requested else self.tally.startable(now, serves)


def read_plan(steps: Iterable[int]) -> Plan[int]:
    """The plan of a job that has the steps with these ids, in the order of the definition."""
    place = {step_id: number for number, step_id in enumerate(steps)}
    needs: dict[int, list[int]] = {step_id: [] for step_id in place}
    for step_id, needed_id in sorted(read_needs(needs), key=lambda pair: place[pair[1]]):
        needs[step_id].append(needed_id)
    return Plan(needs)


def _lock(job_id: int) -> Job:
    """The job, which no one else moves until the transaction in progress has ended."""
    return Job.objects.select_for_update().get(pk=job_id)
