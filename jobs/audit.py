"""Replay the journal against the rows: is everything that the database says also what happened?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from . import database
from .models import Attempt, Job, LogChunk, Need, Step, Transition
from .statuses import (
    CHARGED,
    CRASHES,
    JOB_MOVES,
    JOB_RETRIES,
    STEP_MOVES,
    STEP_RETRIES,
    TERMINAL,
    Kind,
    Status,
    Verdict,
    is_legal,
    status_of_job,
)


def differences() -> Iterator[str]:
    """One sentence for each thing that does not add up, job by job."""
    for job_id in Job.objects.order_by("pk").values_list("pk", flat=True):
        with database.snapshot():
            job = Job.objects.filter(pk=job_id).first()
            if job:  # else deleted while we read
                yield from differences_of(job)


def differences_of(job: Job) -> Iterator[str]:
    """The same for one job, which was just read."""
    return _Replay(job).differences()


class _Replay:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.steps = {step.pk: step for step in Step.objects.filter(job=job)}
        self.journal = list(Transition.objects.filter(job=job).order_by("seq"))
        self.needs: dict[int, list[int]] = {pk: [] for pk in self.steps}
        for step_id, needed_id in Need.objects.filter(step__job=job).values_list("step", "needed"):
            self.needs[step_id].append(needed_id)
        # What the rows must be, by the journal.
        self.status = dict.fromkeys(self.steps, Status.PENDING.value)
        self.attempt = dict.fromkeys(self.steps, 0)
        self.fence = dict.fromkeys(self.steps, 0)
        self.seq = dict.fromkeys(self.steps, 1)
        self.tag = dict.fromkeys(self.steps, "")
        self.taken_back_at = dict.fromkeys(self.steps, 0)  # its attempt at a person's last retry
        self.retried_at: datetime | None = None  # the moment of the last request to retry
        self.job_status = Status.PENDING.value
        self.cancel_requested = False

    def differences(self) -> Iterator[str]:
        for problem in (
            *self._numbering(),
            *self._moves(),
            *self._job_row(),
            *self._step_rows(),
            *self._attempts(),
            *self._logs(),
        ):
            yield f"job {self.job.pk}: {problem}"

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

    def _moves(self) -> Iterator[str]:
        for entry in self.journal:
            if entry.kind == Kind.REQUEST:
                self.cancel_requested = entry.reason == "cancel"
                self.retried_at = None if self.cancel_requested else entry.at
            if entry.kind != Kind.MOVE:
                continue
            if entry.step_id is None:
                yield from self._job_move(entry)
            elif entry.step_id in self.steps:
                yield from self._step_move(entry, self.steps[entry.step_id])
            else:
                yield f"entry {entry.seq} is about a step of another job"

    def _job_move(self, entry: Transition) -> Iterator[str]:
        if entry.from_status != self.job_status:
            yield f"entry {entry.seq} moves it from {entry.from_status}; it was {self.job_status}"
        is_retry = entry.at == self.retried_at and entry.from_status in TERMINAL
        if not is_legal(JOB_RETRIES if is_retry else JOB_MOVES, entry.from_status, entry.to_status):
            yield f"entry {entry.seq}: {entry.from_status} → {entry.to_status} is not legal"
        self.job_status = entry.to_status

    def _step_move(self, entry: Transition, step: Step) -> Iterator[str]:
        name, was = step.name, self.status[step.pk]
        if entry.from_status != was:
            yield f"entry {entry.seq} moves {name} from {entry.from_status}; it was {was}"
        is_retry = entry.at == self.retried_at and entry.from_status in TERMINAL
        moves = STEP_RETRIES if is_retry else STEP_MOVES
        if not is_legal(moves, entry.from_status, entry.to_status):
            yield f"entry {entry.seq}: {name} {entry.from_status} → {entry.to_status} is not legal"
        if entry.to_status == Status.RUNNING:
            self.attempt[step.pk] += 1
            unmet = [n for n in self.needs[step.pk] if self.status[n] != Status.SUCCEEDED]
            if unmet:
                yield f"entry {entry.seq} starts {name} before a step it needs has succeeded"
        if entry.attempt != self.attempt[step.pk]:
            yield f"entry {entry.seq} says attempt {entry.attempt} of {name}, it was another"
        self.status[step.pk] = entry.to_status
        self.fence[step.pk] += 1
        self.seq[step.pk] = entry.seq
        self.tag[step.pk] = entry.tag
        if is_retry:
            self.taken_back_at[step.pk] = entry.attempt
        if entry.to_status == Status.SUCCEEDED:
            for dependant, needs in self.needs.items():
                if step.pk in needs and self.status[dependant] == Status.PENDING:
                    self.seq[dependant] = entry.seq

    def _job_row(self) -> Iterator[str]:
        if self.job.status != self.job_status:
            yield f"status is {self.job.status}, the journal says {self.job_status}"
        by_steps = status_of_job(self.job.status, {step.status for step in self.steps.values()})
        if self.job.status != by_steps:
            yield f"status is {self.job.status}, by its steps it is {by_steps}"
        if self.job.cancel_requested != self.cancel_requested:
            yield "the journal and the row differ on whether cancel was requested"
        if (self.job.ended_at is None) == (self.job.status in TERMINAL):
            yield f"status is {self.job.status} and ended_at is {self.job.ended_at}"

    def _step_rows(self) -> Iterator[str]:
        for pk, step in self.steps.items():
            told = {
                "status": (step.status, self.status[pk]),
                "attempt": (step.attempt, self.attempt[pk]),
                "fence": (step.fence, self.fence[pk]),
                "seq": (step.seq, self.seq[pk]),
                "tag": (step.tag, self.tag[pk]),
            }
            if step.status == Status.PENDING:
                unmet = [n for n in self.needs[pk] if self.steps[n].status != Status.SUCCEEDED]
                told["waiting"] = (step.waiting, len(unmet))
            for column, (row, journal) in told.items():
                if row != journal:
                    yield f"{step.name}: {column} is {row}, the journal says {journal}"

    def _attempts(self) -> Iterator[str]:
        rows: dict[int, list[Attempt]] = {pk: [] for pk in self.steps}
        for attempt in Attempt.objects.filter(step__job=self.job).order_by("number"):
            rows[attempt.step_id].append(attempt)
        for pk, step in self.steps.items():
            numbers = [attempt.number for attempt in rows[pk]]
            if numbers != list(range(1, step.attempt + 1)):
                yield f"{step.name}: attempts are {numbers}, the row says {step.attempt}"
            charged = [
                Verdict(attempt.verdict)
                for attempt in rows[pk]
                if attempt.number > self.taken_back_at[pk] and attempt.verdict in CHARGED
            ]
            if step.failures != len(charged):
                yield f"{step.name}: failures is {step.failures}, by its attempts {len(charged)}"
            crashes = sum(verdict in CRASHES for verdict in charged)
            if step.crashes != crashes:
                yield f"{step.name}: crashes is {step.crashes}, by its attempts {crashes}"
            open_ones = [attempt.number for attempt in rows[pk] if attempt.ended_at is None]
            if open_ones != ([step.attempt] if step.status == Status.RUNNING else []):
                yield f"{step.name} is {step.status} and has open attempts {open_ones}"

    def _logs(self) -> Iterator[str]:
        last = dict.fromkeys(self.steps, 0)
        chunks = LogChunk.objects.filter(step__job=self.job).order_by("step", "first")
        for chunk in chunks.iterator(chunk_size=100):
            name = self.steps[chunk.step_id].name
            if chunk.first != last[chunk.step_id] + 1:
                yield f"{name}: log line {chunk.first} follows line {last[chunk.step_id]}"
            lines = chunk.last - chunk.first + 1
            if {len(chunk.lines()), len(chunk.levels), len(chunk.times)} != {lines}:
                yield f"{name}: the chunk of lines {chunk.first}–{chunk.last} is not {lines} lines"
            last[chunk.step_id] = chunk.last
        for pk, step in self.steps.items():
            if step.log_lines != last[pk]:
                yield f"{step.name}: log_lines is {step.log_lines}, the log ends with {last[pk]}"
