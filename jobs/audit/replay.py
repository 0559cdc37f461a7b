"""What the rows of a job must be, by its journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ..codes import Code
from ..journal import read_plan
from ..models import Job, Step, Transition
from ..statuses import (
    JOB_MOVES,
    JOB_RETRIES,
    STEP_MOVES,
    STEP_RETRIES,
    TERMINAL,
    UNFINISHED,
    Kind,
    Moves,
    Status,
    explains,
    is_legal,
    status_of_job,
)


@dataclass
class Expected:
    """A step, as far as the journal has been replayed."""

    status: str = Status.PENDING.value
    fence: int = 0
    seq: int = 1
    tag: str = ""
    begun: list[Transition] = field(default_factory=list)  # by attempt
    ended: list[Transition] = field(default_factory=list)  # by attempt
    last: Transition | None = None
    retried_after: set[int] = field(default_factory=set)  # attempts, by a person


class Replay:
    """The journal of one job, replayed by ``problems``; the attributes hold its result."""

    def __init__(self, job: Job) -> None:
        self.job = job
        rows = Step.objects.filter(job=job).order_by("position")
        self.rows = {step.pk: step for step in rows}
        self.plan = read_plan(self.rows)
        self.journal = list(Transition.objects.filter(job=job).order_by("seq"))
        self.steps = {pk: Expected() for pk in self.rows}
        self.job_status = Status.PENDING.value
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.cancel_requested = False
        self.awaits_key = False
        self._retry_at: datetime | None = None  # of a retry whose moves are being read

    def problems(self) -> Iterator[str]:
        """What is wrong with the journal itself."""
        yield from self._numbering()
        yield from self._origin()
        yield from self._moves()

    def _numbering(self) -> Iterator[str]:
        numbers = [entry.seq for entry in self.journal]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"journal numbers are {numbers[:5]}… to {numbers[-1:]}, not 1 to {len(numbers)}"
        if not self.journal or self.journal[0].kind != Kind.BIRTH:
            yield "the journal does not begin with a birth"
        if any(entry.kind == Kind.BIRTH for entry in self.journal[1:]):
            yield "the journal has a second birth"
        if self.job.seq != (numbers or [0])[-1]:
            yield f"seq is {self.job.seq}, the journal ends with {(numbers or [0])[-1]}"
        if self.journal and self.job.tag != self.journal[-1].tag:
            yield "the tag of its row is not that of the last entry: it is another copy's"

    def _origin(self) -> Iterator[str]:
        older = self.job.again_of_id
        if older is None or not self.journal:
            return
        birth = self.journal[0]
        named = birth.data.get("job") if birth.code == Code.JOB_LAUNCHED_AGAIN else None
        if older >= self.job.pk or named != older:
            yield f"again_of is {older}, its birth says {birth.reason!r}"

    def _moves(self) -> Iterator[str]:
        for entry in self.journal:
            yield from self._key(entry)
            if entry.kind == Kind.REQUEST:
                self._request(entry)
            elif entry.code != Code.NOTE_KEY_AWAITED and not self._is_taken_back(entry):
                self._retry_at = None
            if entry.kind != Kind.MOVE:
                continue
            if entry.step_id is None:
                yield from self._job_move(entry)
            elif entry.step_id in self.rows:
                yield from self._step_move(entry, self.rows[entry.step_id])
            else:
                yield f"entry {entry.seq} is about a step of another job"

    def _key(self, entry: Transition) -> Iterator[str]:
        """Whether the job waits for its key, and what it means for steps when it gets it."""
        if entry.data.get("waits") or entry.code == Code.NOTE_KEY_AWAITED:
            self.awaits_key = True
        if entry.code == Code.NOTE_KEY_OBTAINED:
            if not self.awaits_key:
                yield f"entry {entry.seq}: it got its key, which it did not wait for"
            self.awaits_key = False
            for pk, step in self.steps.items():
                if step.status == Status.PENDING and not self.unfinished_needs(pk):
                    step.seq = entry.seq

    def unfinished_needs(self, step_id: int) -> int:
        """How many steps that this one needs have not succeeded."""
        needed = self.plan.dependencies[step_id]
        return sum(self.steps[pk].status != Status.SUCCEEDED for pk in needed)

    def _request(self, entry: Transition) -> None:
        if entry.code in (Code.REQUEST_CANCEL, Code.REQUEST_DEADLINE):
            self.cancel_requested, self._retry_at = True, None
        if entry.code == Code.REQUEST_RETRY:
            self.cancel_requested, self._retry_at = False, entry.at

    def _is_taken_back(self, entry: Transition) -> bool:
        """Whether a person's retry takes back an end here: in the batch of the request."""
        is_of_end = entry.kind == Kind.MOVE and entry.from_status in TERMINAL
        return is_of_end and entry.at == self._retry_at

    def _job_move(self, entry: Transition) -> Iterator[str]:
        if entry.from_status != self.job_status:
            yield f"entry {entry.seq} moves it from {entry.from_status}; it was {self.job_status}"
        moves = JOB_RETRIES if self._is_taken_back(entry) else JOB_MOVES
        yield from _legality(entry, moves, "")
        self.job_status = entry.to_status
        by_steps = status_of_job(self.job_status, {step.status for step in self.steps.values()})
        if self.job_status != by_steps:
            yield f"entry {entry.seq} makes it {self.job_status}, by its steps it was {by_steps}"
        if entry.to_status == Status.PENDING:
            self.started_at = self.ended_at = None
        if entry.to_status == Status.RUNNING:
            self.started_at = entry.at
        if entry.to_status in TERMINAL:
            self.ended_at = entry.at

    def _step_move(self, entry: Transition, row: Step) -> Iterator[str]:
        name, step = row.name, self.steps[row.pk]
        if entry.from_status != step.status:
            yield f"entry {entry.seq} moves {name} from {entry.from_status}; it was {step.status}"
        is_taken_back = self._is_taken_back(entry)
        yield from _legality(entry, STEP_RETRIES if is_taken_back else STEP_MOVES, f"{name} ")
        yield from self._wishes(entry, name)
        if entry.to_status == Status.RUNNING:
            step.begun.append(entry)
            needed = [self.steps[pk].status for pk in self.plan.dependencies[row.pk]]
            if any(status != Status.SUCCEEDED for status in needed):
                yield f"entry {entry.seq} starts {name} before a step it needs has succeeded"
            if self.awaits_key:
                yield f"entry {entry.seq} starts {name} before the job has its key"
        if entry.from_status == Status.RUNNING:
            step.ended.append(entry)
        if entry.attempt != len(step.begun):
            yield f"entry {entry.seq} says attempt {entry.attempt} of {name}, it was another"
        if is_taken_back:
            step.retried_after.add(entry.attempt)
        self._apply(entry, step)

    def _wishes(self, entry: Transition, name: str) -> Iterator[str]:
        """A cancel leads to no new work, and without one nothing is cancelled."""
        new = entry.to_status
        if self.cancel_requested and new in UNFINISHED:
            yield f"entry {entry.seq}: {name} became {new} after cancel was requested"
        if not self.cancel_requested and new == Status.CANCELLED:
            yield f"entry {entry.seq}: {name} became cancelled without a request"

    def _apply(self, entry: Transition, step: Expected) -> None:
        step.status, step.seq, step.tag = entry.to_status, entry.seq, entry.tag
        step.fence += 1
        step.last = entry
        if entry.to_status == Status.SUCCEEDED and entry.step_id:
            for dependant in self.plan.dependants[entry.step_id]:
                if self.steps[dependant].status == Status.PENDING:
                    self.steps[dependant].seq = entry.seq


def _legality(entry: Transition, moves: Moves, name: str) -> Iterator[str]:
    old, new = entry.from_status, entry.to_status
    if not is_legal(moves, old, new):
        yield f"entry {entry.seq}: {name}{old} → {new} is not legal"
    elif not explains(entry.code, moves, old, new):
        yield f"entry {entry.seq}: {entry.code} is not why {name or 'it '}became {new}"
