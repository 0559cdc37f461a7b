"""A job as it is remembered between two batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..models import Job, Need, Step, StepQuerySet, Transition
from ..plan import Plan
from .tally import Tally


@dataclass
class JobState:
    """A job, its steps and its plan as of ``job.seq``."""

    job: Job
    steps: dict[int, Step]
    plan: Plan[int]
    results: dict[int, Any] = field(default_factory=dict)  # of succeeded steps, as far as known
    _stale: set[int] = field(default_factory=set)  # steps that the tally has to count again

    def __post_init__(self) -> None:
        self._tally = Tally(self.steps.values())

    @classmethod
    def load(cls, job_id: int) -> JobState:
        """Read the whole job. Raises Job.DoesNotExist."""
        state = cls.of(Step.objects.filter(job=job_id))
        if state is None:
            raise Job.DoesNotExist(f"There is no job {job_id}.")
        return state

    @classmethod
    def of(cls, steps: StepQuerySet) -> JobState | None:
        """The state of the one job whose steps the queryset selects; None when it selects none."""
        rows = list(steps.select_related("job").order_by("position"))
        if not rows:
            return None
        by_id = {row.pk: row for row in rows}
        return cls(job=rows[0].job, steps=by_id, plan=read_plan(rows[0].job_id, by_id))

    def refresh(self, *, lock: bool = False) -> None:
        """Read what has changed since the entry that is remembered.

        With *lock*, no one else moves the job until the transaction in progress has ended. Raises
        Job.DoesNotExist.
        """
        known = self.job
        jobs = Job.objects.select_for_update() if lock else Job.objects.all()
        job = jobs.get(pk=known.pk)
        if (job.seq, job.tag) == (known.seq, known.tag):
            self.job = job
            return
        if not Transition.objects.filter(job=known.pk, seq=known.seq, tag=known.tag).exists():
            vars(self).update(vars(JobState.load(known.pk)))  # the database is an older copy
            return
        for step in Step.objects.filter(job=known.pk, seq__gt=known.seq).order_by("position"):
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

    def ready(self, now: datetime) -> Iterator[Step]:
        """Steps that may start now, in the order of the definition."""
        return iter(()) if self.job.cancel_requested else self.tally.startable(now)


def read_plan(job_id: int, steps: Iterable[int]) -> Plan[int]:
    """The plan of a job whose steps have these ids, in the order of the definition."""
    needs: dict[int, list[int]] = {step_id: [] for step_id in steps}
    rows = Need.objects.filter(step__job=job_id).order_by("step__position", "needed__position")
    for step_id, needed_id in rows.values_list("step", "needed"):
        needs[step_id].append(needed_id)
    return Plan(needs)
