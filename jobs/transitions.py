"""The one door: only this module writes a status, and never without its journal entry.

A batch is one transaction about one job. Its journal entries are written first, then the rows they
describe are updated *from the journal*, then, after the commit, whoever watches is poked::

    def decide(batch):
        step = batch.held(claim)          # refuses who has been overtaken
        batch.succeed(step, ending)       # verbs, not fields
        ...

    transitions.commit(state, decide, source="worker")

``commit`` decides on a remembered state of the job. If somebody else has moved the job meanwhile,
the journal number is taken, nothing is written, and it decides again on what is there now.
"""

from __future__ import annotations

import copy
import random
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import F
from django.utils import timezone

from . import database, feed
from .exceptions import MoveRefused, Overtaken
from .models import Attempt, Job, Need, Step, Transition, Worker
from .statuses import JOB_MOVES, STEP_MOVES, TERMINAL, Kind, Status, is_legal, status_of_job

# Seconds before a batch that met a busy database or a faster writer is decided again.
RETRY_PAUSES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's hold on one attempt of a step. Everything it writes carries the fence."""

    job_id: int
    step_id: int
    name: str
    attempt: int
    fence: int
    timeout: float | None
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What is kept of an attempt that ends."""

    claim: Claim
    worker: Worker | None
    result: Any = None
    error: str = ""
    traceback: str = ""


@dataclass
class JobState:
    """A job, its steps and its plan as of ``job.seq``, remembered between batches."""

    job: Job
    steps: dict[int, Step]
    needs: dict[int, list[int]]  # step → steps it needs
    dependants: dict[int, list[int]]  # step → steps that need it
    results: dict[int, Any] = field(default_factory=dict)  # of succeeded steps, as far as known

    @classmethod
    def load(cls, job_id: int) -> JobState:
        """Read the job whole. Raises Job.DoesNotExist."""
        state = cls.of(Step.objects.filter(job=job_id))
        if state is None:
            raise Job.DoesNotExist(f"There is no job {job_id}.")
        return state

    @classmethod
    def of(cls, steps: Any) -> JobState | None:
        """The state of the one job whose steps the queryset selects; None when it selects none."""
        rows = list(steps.select_related("job").order_by("position"))
        if not rows:
            return None
        state = cls(job=rows[0].job, steps={row.pk: row for row in rows}, needs={}, dependants={})
        arrows = Need.objects.filter(step__job=state.job.pk).values_list("step", "needed")
        for step_id, needed_id in arrows:
            state.needs.setdefault(step_id, []).append(needed_id)
            state.dependants.setdefault(needed_id, []).append(step_id)
        return state

    def refresh(self, *, lock: bool = False) -> None:
        """Bring the state up to date: what changed since the seq it knows?

        With *lock*, nobody else moves the job until the transaction in progress has ended. Raises
        Job.DoesNotExist.
        """
        known = self.job.seq
        jobs = Job.objects.select_for_update() if lock else Job.objects.all()
        self.job = jobs.get(pk=self.job.pk)
        since = known if self.job.seq >= known else 0
        for step in Step.objects.filter(job=self.job.pk, seq__gt=since).order_by("position"):
            self.steps[step.pk] = step

    def ready(self) -> Iterator[Step]:
        """Steps that may start now, in the order of the definition."""
        if not self.job.cancel_requested:
            for step in self.steps.values():
                if step.waiting == 0 and step.status == Status.PENDING:
                    yield step


class _Collision(Exception):
    """Somebody else wrote to this job since the state was read."""


def commit(
    state: JobState, decide: Callable[[Batch], None], *, actor: str = "", source: str = ""
) -> None:
    """Run *decide* on the state and write what it decided, all or nothing, in one transaction.

    *decide* may run several times; it acts only through the batch. Raises what *decide* raises
    (MoveRefused, Overtaken: nothing is written then) and, when the database stays busy through
    all retries, its error.
    """
    is_stale = False
    for pause in (*RETRY_PAUSES, None):
        batch = None
        try:
            with database.write():
                if is_stale:  # who has lost once is not overtaken again
                    state.refresh(lock=True)
                batch = Batch(state, actor=actor, source=source)
                decide(batch)
                batch.write()
            return
        except BaseException as error:
            if batch:
                batch.undo()
            passing = isinstance(error, _Collision) or database.is_passing(error)
            if pause is None or not passing:
                raise
        is_stale = True
        time.sleep(pause * random.uniform(0.5, 1.5))


class Batch:
    """The moves of one transaction. Each verb checks that the move is legal and notes its entry."""

    def __init__(self, state: JobState, *, actor: str, source: str) -> None:
        self.state = state
        self.now = timezone.now()
        self._actor = actor
        self._source = source
        self._base_seq = state.job.seq
        self._entries: list[Transition] = []
        self._attempts: dict[int, Attempt] = {}
        self._freed: dict[int, int] = {}  # step → seq of the entry that freed it
        self._moved: set[int] = set()
        self._before: dict[int, Step] = {}
        self._job_before = copy.copy(state.job)

    # -- looking

    def held(self, claim: Claim) -> Step:
        """The step of *claim*. Raises Overtaken when somebody else has moved it since."""
        step = self.state.steps[claim.step_id]
        if step.fence != claim.fence or step.status != Status.RUNNING:
            raise Overtaken(
                f"{step} is {step.status} (attempt {step.attempt}); attempt {claim.attempt} "
                "does not own it any more."
            )
        return step

    # -- verbs

    def start(self, step: Step, worker: Worker) -> Claim:
        """pending → running: *worker* begins the next attempt."""
        self._touch(step)
        step.attempt += 1
        self._move(step, Status.RUNNING, f"claimed by {worker}")
        step.waiting = 0
        step.done = step.total = None
        step.progress_text = ""
        self._attempts[step.pk] = Attempt(
            step_id=step.pk, number=step.attempt, worker=worker, started_at=self.now
        )
        return Claim(
            job_id=self.state.job.pk,
            step_id=step.pk,
            name=step.name,
            attempt=step.attempt,
            fence=step.fence,
            timeout=step.timeout,
            started_at=self.now,
        )

    def succeed(self, step: Step, ending: Ending) -> None:
        """running → succeeded; what needed only this step is free to start."""
        entry = self._move(step, Status.SUCCEEDED, "returned")
        self._end_attempt(step, ending)
        self.state.results[step.pk] = ending.result
        for dependant in self._dependants(step):
            self._touch(dependant)
            dependant.waiting -= 1
            dependant.seq = entry.seq
            self._freed[dependant.pk] = entry.seq

    def fail(self, step: Step, ending: Ending, reason: str) -> None:
        """running → failed; everything that needs this step is skipped."""
        self._move(step, Status.FAILED, reason)
        self._end_attempt(step, ending)
        self._skip_dependants(step)

    def stop(self, step: Step, ending: Ending, reason: str) -> None:
        """running → cancelled; everything that needs this step is skipped."""
        self._move(step, Status.CANCELLED, reason)
        self._end_attempt(step, ending)
        self._skip_dependants(step)

    def hand_back(self, step: Step, ending: Ending, reason: str) -> None:
        """running → pending: the step is free for another worker, as a new attempt."""
        self._move(step, Status.PENDING, reason)
        self._end_attempt(step, ending)

    def give_up(self, step: Step, reason: str) -> None:
        """pending → failed without an attempt; everything that needs this step is skipped."""
        self._move(step, Status.FAILED, reason)
        self._skip_dependants(step)

    def cancel_pending(self) -> None:
        """pending → cancelled, for every step that has not started."""
        for step in self.state.steps.values():
            if step.status == Status.PENDING:
                self._move(step, Status.CANCELLED, "cancelled before it started")

    def request_cancel(self) -> None:
        """Journal that somebody wants this job to stop."""
        self.state.job.cancel_requested = True
        self._enter(Kind.REQUEST, reason="cancel")

    def note(self, reason: str, step: Step | None = None) -> None:
        """Journal something that changes no status."""
        self._enter(Kind.NOTE, step=step, reason=reason)

    # -- from verbs to entries

    def _dependants(self, step: Step) -> list[Step]:
        """The pending steps that need *step*."""
        rows = (self.state.steps[pk] for pk in self.state.dependants.get(step.pk, ()))
        return [row for row in rows if row.status == Status.PENDING]

    def _skip_dependants(self, step: Step) -> None:
        """pending → skipped, for all that needs *step*, directly or through others."""
        in_vain = [step]
        while in_vain:
            needed = in_vain.pop()
            for dependant in self._dependants(needed):
                self._move(
                    dependant, Status.SKIPPED, f"needs {needed.name}, which was not successful"
                )
                in_vain.append(dependant)

    def _move(self, step: Step, to: Status, reason: str) -> Transition:
        if not is_legal(STEP_MOVES, step.status, to) or step.pk in self._moved:
            raise MoveRefused(step, step.status, to)
        self._touch(step)
        self._moved.add(step.pk)
        entry = self._enter(Kind.MOVE, step=step, old=step.status, new=to, reason=reason)
        step.status = to
        step.seq = entry.seq
        step.fence += 1
        return entry

    def _settle_job(self) -> None:
        """Bring the job's status in line with its steps'."""
        job = self.state.job
        new = status_of_job(job.status, {step.status for step in self.state.steps.values()})
        if new == job.status:
            return
        if not is_legal(JOB_MOVES, job.status, new):
            raise MoveRefused(job, job.status, new)
        self._enter(Kind.MOVE, old=job.status, new=new, reason=JOB_MOVES[Status(job.status)][new])
        job.status = new
        if new == Status.RUNNING:
            job.started_at = self.now
        if new in TERMINAL:
            job.ended_at = self.now

    def _enter(
        self,
        kind: Kind,
        *,
        step: Step | None = None,
        old: str = "",
        new: str = "",
        reason: str = "",
    ) -> Transition:
        entry = Transition(
            job_id=self.state.job.pk,
            seq=self._base_seq + len(self._entries) + 1,
            tag=new_tag(),
            kind=kind,
            step_id=step.pk if step else None,
            attempt=step.attempt if step else 0,
            from_status=old,
            to_status=new,
            at=self.now,
            actor=self._actor,
            source=self._source,
            reason=reason[:500],
        )
        self._entries.append(entry)
        return entry

    def _end_attempt(self, step: Step, ending: Ending) -> None:
        self._attempts[step.pk] = Attempt(
            step_id=step.pk,
            number=ending.claim.attempt,
            worker=ending.worker,
            started_at=ending.claim.started_at,
            ended_at=self.now,
            result=ending.result,
            error=ending.error,
            traceback=ending.traceback,
        )

    # -- writing, and taking back

    def write(self) -> None:
        """Journal first, then the rows it describes, then news. Called inside the transaction."""
        if not self._entries:
            return
        self._settle_job()
        self._write_journal()
        self._write_job()
        self._write_moved_steps()
        self._write_freed_steps()
        self._write_attempts()
        feed.announce(self.state.job.pk, self.state.job.seq)

    def _write_journal(self) -> None:
        try:
            Transition.objects.bulk_create(self._entries)
        except IntegrityError as error:
            raise _Collision("journal number taken") from error

    def _write_job(self) -> None:
        job = self.state.job
        job.seq = self._entries[-1].seq
        written = Job.objects.filter(pk=job.pk, seq=self._base_seq).update(
            seq=job.seq,
            status=job.status,
            cancel_requested=job.cancel_requested,
            started_at=job.started_at,
            ended_at=job.ended_at,
        )
        if not written:
            raise _Collision("the job has moved on")

    def _write_moved_steps(self) -> None:
        """One statement for any number of steps: each becomes what its journal entry says."""
        if not self._moved:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE truestep_step SET status = j.to_status, seq = j.seq, attempt = j.attempt, "
                "fence = fence + 1, "
                "waiting = CASE WHEN j.to_status = 'running' THEN 0 ELSE waiting END, "
                "done = CASE WHEN j.to_status = 'running' THEN NULL ELSE done END, "
                "total = CASE WHEN j.to_status = 'running' THEN NULL ELSE total END, "
                "progress_text = CASE WHEN j.to_status = 'running' THEN '' ELSE progress_text END "
                "FROM truestep_transition AS j "
                "WHERE j.job_id = %s AND j.seq > %s AND j.kind = 'move' "
                "AND truestep_step.id = j.step_id AND truestep_step.status = j.from_status",
                [self.state.job.pk, self._base_seq],
            )
            if cursor.rowcount != len(self._moved):
                raise _Collision("a step has moved on")

    def _write_freed_steps(self) -> None:
        freed = {step_id: seq for step_id, seq in self._freed.items() if step_id not in self._moved}
        for seq in set(freed.values()):
            ids = [step_id for step_id in freed if freed[step_id] == seq]
            Step.objects.filter(pk__in=ids).update(waiting=F("waiting") - 1, seq=seq)

    def _write_attempts(self) -> None:
        """One statement for those that begin and those that end."""
        if self._attempts:
            Attempt.objects.bulk_create(
                self._attempts.values(),
                update_conflicts=True,
                unique_fields=["step", "number"],
                update_fields=["ended_at", "result", "error", "traceback"],
            )

    def _touch(self, step: Step) -> None:
        self._before.setdefault(step.pk, copy.copy(step))

    def undo(self) -> None:
        """Nothing was written: the remembered state is again what it was."""
        self.state.job = self._job_before
        self.state.steps.update(self._before)
        for step_id in self._moved:
            self.state.results.pop(step_id, None)


def bear(
    definition: str,
    params: dict[str, list[str]],
    plan: list[tuple[str, float | None, tuple[str, ...]]],
    *,
    actor: str,
    source: str,
) -> Job:
    """Write a job whole: the row, its steps (name, timeout, needs), all pending, and its birth.

    Joins the transaction in progress, if there is one.
    """
    job = Job.objects.create(definition=definition, params=params)
    steps = Step.objects.bulk_create(
        Step(job=job, name=name, position=position, timeout=timeout, waiting=len(needs))
        for position, (name, timeout, needs) in enumerate(plan)
    )
    by_name = {step.name: step for step in steps}
    Need.objects.bulk_create(
        Need(step=by_name[name], needed=by_name[needed])
        for name, _, needs in plan
        for needed in needs
    )
    Transition.objects.create(
        job=job,
        seq=1,
        tag=new_tag(),
        kind=Kind.BIRTH,
        to_status=Status.PENDING,
        at=job.created_at,
        actor=actor,
        source=source,
        reason="launched",
    )
    feed.announce(job.pk, 1)
    return job


def new_tag() -> str:
    """A random mark for a journal entry."""
    return secrets.token_hex(4)
