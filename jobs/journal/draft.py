"""The base of every verb of a batch: a legal move, its entry, and a way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model
from django.utils import timezone

from ..codes import Fact
from ..exceptions import MoveRefused
from ..models import Step
from ..statuses import (
    JOB_MOVES,
    JOB_RETRIES,
    STEP_MOVES,
    TERMINAL,
    Kind,
    Moves,
    Status,
    Verdict,
    is_legal,
    only_code,
    status_of_job,
)
from ..tracing import EndedAttempt
from . import writing
from .changes import Changes
from .rows import Entry
from .state import JobState

Row = TypeVar("Row", bound=Model)


class Draft:
    """Changes of one job, made in its remembered state first, then written to the rows."""

    def __init__(self, state: JobState, *, actor: str, source: str, name: str) -> None:
        self.state = state
        self.now = timezone.now()
        self._actor = actor
        self._source = source
        self._job_before, self._steps_before = _copy(state.job), dict[int, Step]()
        self._changes = Changes(state.job, state.job.seq, state.job.tag, state.plan, name)

    @property
    def has_request(self) -> bool:
        """Whether this batch carried out a request, and did not only note it."""
        return any(entry.kind == Kind.REQUEST for entry in self._changes.entries)

    # -- written and undone

    @property
    def name(self) -> str:
        """That of its crash points."""
        return self._changes.name

    def settled(self) -> Changes | None:
        """What is to be written, with the status of the job; None when nothing is."""
        if not self._changes.entries:
            return None
        self._settle_job()
        return self._changes

    def is_in_database(self) -> bool:
        """Whether these very changes were committed."""
        return writing.is_written(self._changes)

    def ended(self) -> Iterator[EndedAttempt]:
        """The attempts that end with it."""
        job = self.state.job
        for attempt in self._changes.attempts.values():
            if attempt.ended_at:
                yield EndedAttempt(
                    traceparent=job.traceparent,
                    job=job.pk,
                    definition=job.definition,
                    step=self.state.steps[attempt.step_id].name,
                    number=attempt.number,
                    verdict=str(attempt.verdict),
                    has_returned=attempt.verdict == Verdict.RETURNED,
                    started_at=attempt.started_at,
                    ended_at=attempt.ended_at,
                )

    def undo(self) -> None:
        """Nothing was written: the remembered state becomes what it was."""
        self.state.job = self._job_before
        for step in self._steps_before.values():
            self.state.replace(step)
        for step_id in self._changes.moved:
            self.state.results.pop(step_id, None)

    # -- for the verbs

    def _move(
        self,
        step: Step,
        to: Status,
        fact: Fact,
        *,
        moves: Moves = STEP_MOVES,
        attempt: int | None = None,
    ) -> Entry:
        if not is_legal(moves, step.status, to) or step.pk in self._changes.moved:
            raise MoveRefused(step, step.status, to)
        entry = self._enter(Kind.MOVE, fact, step, old=step.status, new=to, attempt=attempt)
        writing.move(self._change(step), entry)
        self._changes.moved.add(step.pk)
        return entry

    def _settle_job(self) -> None:
        """Bring the job's status in line with its steps'."""
        job = self.state.job
        new = status_of_job(job.status, self.state.tally.statuses)
        if new == job.status:
            return
        is_taken_back = self._changes.taken_back and job.status in TERMINAL
        moves = JOB_RETRIES if is_taken_back else JOB_MOVES
        if not is_legal(moves, job.status, new):
            raise MoveRefused(job, job.status, new)
        self._enter(Kind.MOVE, Fact(only_code(moves, job.status, new)), old=job.status, new=new)
        job.status = new
        if new == Status.PENDING:
            job.started_at = job.ended_at = None
        if new == Status.RUNNING:
            job.started_at = self.now
        if new in TERMINAL:
            job.ended_at, job.due_at, job.sealed = self.now, None, ""

    def _enter(
        self,
        kind: Kind,
        fact: Fact,
        step: Step | None = None,
        *,
        old: str = "",
        new: str = "",
        attempt: int | None = None,
    ) -> Entry:
        """Note an entry. Its attempt is the one that the step is in, unless another is given."""
        current = step.attempt if step else 0
        entry = writing.entry(
            kind,
            fact,
            job_id=self.state.job.pk,
            seq=self._changes.base_seq + len(self._changes.entries) + 1,
            step_id=step.pk if step else None,
            attempt=current if attempt is None else attempt,
            from_status=old,
            to_status=new,
            at=self.now,
            actor=self._actor,
            source=self._source,
        )
        self._changes.entries.append(entry)
        return entry

    def _change(self, step: Step) -> Step:
        """The step, which is about to change in place."""
        self._steps_before.setdefault(step.pk, _copy(step))
        self.state.touch(step)
        return step


def _copy(row: Row) -> Row:
    """A row with the same values. ``copy.copy`` takes ten times as long."""
    twin = object.__new__(type(row))
    vars(twin).update(vars(row))
    return twin
