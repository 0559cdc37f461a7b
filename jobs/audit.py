"""Replay the journal against the rows: is everything that the database says also what happened?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from . import database
from .codes import Code
from .journal import read_plan
from .models import Attempt, Job, LogChunk, Step, Transition, Worker
from .statuses import (
    CHARGED,
    CRASHES,
    HOPELESS,
    JOB_MOVES,
    JOB_RETRIES,
    STEP_MOVES,
    STEP_RETRIES,
    TERMINAL,
    UNFINISHED,
    VERDICTS,
    Kind,
    Status,
    Verdict,
    explains,
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
        steps = Step.objects.filter(job=job).order_by("position")
        self.steps = {step.pk: step for step in steps}
        self.journal = list(Transition.objects.filter(job=job).order_by("seq"))
        self.plan = read_plan(job.pk, self.steps)
        # What the rows must be, by the journal.
        self.status = dict.fromkeys(self.steps, Status.PENDING.value)
        self.fence = dict.fromkeys(self.steps, 0)
        self.seq = dict.fromkeys(self.steps, 1)
        self.tag = dict.fromkeys(self.steps, "")
        self.begun: dict[int, list[Transition]] = {pk: [] for pk in self.steps}  # by attempt
        self.ended: dict[int, list[Transition]] = {pk: [] for pk in self.steps}  # by attempt
        self.last: dict[int, Transition | None] = dict.fromkeys(self.steps)
        self.taken_back_at = dict.fromkeys(self.steps, 0)  # its attempt at a person's last retry
        self.retry_at: datetime | None = None  # the moment of a retry whose moves are being read
        self.job_status = Status.PENDING.value
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.cancel_requested = False

    def differences(self) -> Iterator[str]:
        for problem in (
            *self._numbering(),
            *self._origin(),
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

    def _origin(self) -> Iterator[str]:
        older = self.job.again_of_id
        if older is not None and self.journal:
            birth = self.journal[0]
            told = birth.data.get("job") if birth.code == Code.JOB_LAUNCHED_AGAIN else None
            if older >= self.job.pk or told != older:
                yield f"again_of is {older}, its birth says {birth.reason!r}"

    def _moves(self) -> Iterator[str]:
        for entry in self.journal:
            if entry.kind == Kind.REQUEST:
                self._request(entry)
            elif not self._is_taken_back(entry):
                self.retry_at = None
            if entry.kind != Kind.MOVE:
                continue
            if entry.step_id is None:
                yield from self._job_move(entry)
            elif entry.step_id in self.steps:
                yield from self._step_move(entry, self.steps[entry.step_id])
            else:
                yield f"entry {entry.seq} is about a step of another job"

    def _request(self, entry: Transition) -> None:
        if entry.code == Code.REQUEST_CANCEL:
            self.cancel_requested, self.retry_at = True, None
        if entry.code == Code.REQUEST_RETRY:
            self.cancel_requested, self.retry_at = False, entry.at

    def _is_taken_back(self, entry: Transition) -> bool:
        """Whether a person's retry takes back an end here: right after the request, all at once."""
        is_of_end = entry.kind == Kind.MOVE and entry.from_status in TERMINAL
        return is_of_end and entry.at == self.retry_at

    def _job_move(self, entry: Transition) -> Iterator[str]:
        if entry.from_status != self.job_status:
            yield f"entry {entry.seq} moves it from {entry.from_status}; it was {self.job_status}"
        moves = JOB_RETRIES if self._is_taken_back(entry) else JOB_MOVES
        if not is_legal(moves, entry.from_status, entry.to_status):
            yield f"entry {entry.seq}: {entry.from_status} → {entry.to_status} is not legal"
        elif not explains(entry.code, moves, entry.from_status, entry.to_status):
            yield f"entry {entry.seq}: {entry.code} is not why it became {entry.to_status}"
        self.job_status = entry.to_status
        by_steps = status_of_job(self.job_status, set(self.status.values()))
        if self.job_status != by_steps:
            yield f"entry {entry.seq} makes it {self.job_status}, by its steps it was {by_steps}"
        if entry.to_status == Status.PENDING:
            self.started_at = self.ended_at = None
        if entry.to_status == Status.RUNNING:
            self.started_at = entry.at
        if entry.to_status in TERMINAL:
            self.ended_at = entry.at

    def _step_move(self, entry: Transition, step: Step) -> Iterator[str]:
        name, was, new = step.name, self.status[step.pk], entry.to_status
        if entry.from_status != was:
            yield f"entry {entry.seq} moves {name} from {entry.from_status}; it was {was}"
        is_taken_back = self._is_taken_back(entry)
        moves = STEP_RETRIES if is_taken_back else STEP_MOVES
        if not is_legal(moves, entry.from_status, new):
            yield f"entry {entry.seq}: {name} {entry.from_status} → {new} is not legal"
        elif not explains(entry.code, moves, entry.from_status, new):
            yield f"entry {entry.seq}: {entry.code} is not why {name} became {new}"
        if self.cancel_requested and new in UNFINISHED:
            yield f"entry {entry.seq}: {name} became {new} after cancel was requested"
        if not self.cancel_requested and new == Status.CANCELLED:
            yield f"entry {entry.seq}: {name} became cancelled, and nobody had asked"
        if new == Status.RUNNING:
            self.begun[step.pk].append(entry)
            unmet = [
                n for n in self.plan.dependencies[step.pk] if self.status[n] != Status.SUCCEEDED
            ]
            if unmet:
                yield f"entry {entry.seq} starts {name} before a step it needs has succeeded"
        if entry.from_status == Status.RUNNING:
            self.ended[step.pk].append(entry)
        if entry.attempt != len(self.begun[step.pk]):
            yield f"entry {entry.seq} says attempt {entry.attempt} of {name}, it was another"
        self.status[step.pk] = new
        self.fence[step.pk] += 1
        self.seq[step.pk] = entry.seq
        self.tag[step.pk] = entry.tag
        self.last[step.pk] = entry
        if is_taken_back:
            self.taken_back_at[step.pk] = entry.attempt
        if new == Status.SUCCEEDED:
            for dependant in self.plan.dependants[step.pk]:
                if self.status[dependant] == Status.PENDING:
                    self.seq[dependant] = entry.seq

    def _job_row(self) -> Iterator[str]:
        if self.job.status != self.job_status:
            yield f"status is {self.job.status}, the journal says {self.job_status}"
        by_steps = status_of_job(self.job.status, {step.status for step in self.steps.values()})
        if self.job.status != by_steps:
            yield f"status is {self.job.status}, by its steps it is {by_steps}"
        if self.job.cancel_requested != self.cancel_requested:
            yield "the journal and the row differ on whether cancel was requested"
        for column in ("started_at", "ended_at"):
            row, journal = getattr(self.job, column), getattr(self, column)
            if row != journal:
                yield f"status is {self.job.status} and {column} is {row}, by the journal {journal}"

    def _step_rows(self) -> Iterator[str]:
        for pk, step in self.steps.items():
            told = {
                "status": (step.status, self.status[pk]),
                "attempt": (step.attempt, len(self.begun[pk])),
                "fence": (step.fence, self.fence[pk]),
                "seq": (step.seq, self.seq[pk]),
                "tag": (step.tag, self.tag[pk]),
            }
            needed = [self.steps[needed].status for needed in self.plan.dependencies[pk]]
            if step.status == Status.PENDING:
                unmet = sum(status != Status.SUCCEEDED for status in needed)
                told["waiting"] = (step.waiting, unmet)
            for column, (row, journal) in told.items():
                if row != journal:
                    yield f"{step.name}: {column} is {row}, the journal says {journal}"
            is_in_vain = any(status in HOPELESS for status in needed)
            if step.status == Status.PENDING and is_in_vain:
                yield f"{step.name} waits for a step that can never succeed"
            if step.status == Status.SKIPPED and not is_in_vain:
                yield f"{step.name} is skipped, and nothing that it needs has gone wrong"

    def _attempts(self) -> Iterator[str]:
        rows: dict[int, list[Attempt]] = {pk: [] for pk in self.steps}
        attempts = Attempt.objects.filter(step__job=self.job).order_by("number")
        for attempt in attempts.defer("result", "error", "traceback"):
            rows[attempt.step_id].append(attempt)
        ids = {attempt.worker_id for each in rows.values() for attempt in each}
        workers = Worker.objects.in_bulk([pk for pk in ids if pk is not None])
        for pk, step in self.steps.items():
            numbers = [attempt.number for attempt in rows[pk]]
            if numbers != list(range(1, step.attempt + 1)):
                yield f"{step.name}: attempts are {numbers}, the row says {step.attempt}"
            open_ones = [attempt.number for attempt in rows[pk] if attempt.ended_at is None]
            if open_ones != ([step.attempt] if step.status == Status.RUNNING else []):
                yield f"{step.name} is {step.status} and has open attempts {open_ones}"
            for attempt in rows[pk]:
                about = f"attempt {attempt.number} of {step.name}"
                for problem in self._attempt(attempt, step):
                    yield f"{about}: {problem}"
                worker = workers.get(attempt.worker_id or 0)
                if worker and not self._may_take(worker, step):
                    yield f"{about}: the worker {worker} does not take such a step"
            yield from self._counters(step, rows[pk])

    def _attempt(self, attempt: Attempt, step: Step) -> Iterator[str]:
        """An attempt is what lies between two moves of its step."""
        begun, ended = (
            next(iter(entries[step.pk][attempt.number - 1 :]), None)
            for entries in (self.begun, self.ended)
        )
        if attempt.started_at != (begun and begun.at):
            yield f"it began at {attempt.started_at}, by the journal {begun and begun.at}"
        if attempt.ended_at != (ended and ended.at):
            yield f"it ended at {attempt.ended_at}, by the journal {ended and ended.at}"
        if ended and attempt.verdict not in VERDICTS.get(Status(ended.to_status), ()):
            yield f"its verdict is {attempt.verdict!r}, and the step became {ended.to_status}"

    def _may_take(self, worker: Worker, step: Step) -> bool:
        is_known = step.name in worker.knows.get(self.job.definition, ())
        return is_known and worker.only_job_id in (None, self.job.pk)

    def _counters(self, step: Step, attempts: list[Attempt]) -> Iterator[str]:
        charged = [
            Verdict(attempt.verdict)
            for attempt in attempts
            if attempt.number > self.taken_back_at[step.pk] and attempt.verdict in CHARGED
        ]
        if step.failures != len(charged):
            yield f"{step.name}: failures is {step.failures}, by its attempts {len(charged)}"
        interrupted = [
            attempt
            for attempt in attempts
            if attempt.number > self.taken_back_at[step.pk]
            and attempt.verdict == Verdict.INTERRUPTED
        ]
        if step.interruptions != len(interrupted):
            yield (
                f"{step.name}: interruptions is {step.interruptions}, by its attempts "
                f"{len(interrupted)}"
            )
        crashes = sum(verdict in CRASHES for verdict in charged)
        if step.crashes != crashes:
            yield f"{step.name}: crashes is {step.crashes}, by its attempts {crashes}"
        if step.status in UNFINISHED and step.failures > step.retries:
            yield f"{step.name} goes on after {step.failures} failures, retries is {step.retries}"
        last = self.last[step.pk]
        is_to_be_retried = last and attempts and last.from_status == Status.RUNNING
        if step.not_before and not (is_to_be_retried and attempts[-1].verdict in CHARGED):
            yield f"{step.name} waits until {step.not_before}, and no attempt was charged"

    def _logs(self) -> Iterator[str]:
        last = dict.fromkeys(self.steps, 0)
        attempt = dict.fromkeys(self.steps, 1)
        chunks = LogChunk.objects.filter(step__job=self.job).order_by("step", "first")
        for chunk in chunks.iterator(chunk_size=100):
            step = self.steps[chunk.step_id]
            name, about = step.name, f"the chunk of lines {chunk.first}–{chunk.last}"
            if chunk.first != last[step.pk] + 1:
                yield f"{name}: log line {chunk.first} follows line {last[step.pk]}"
            lines = chunk.last - chunk.first + 1
            if {len(chunk.lines()), len(chunk.levels), len(chunk.times)} != {lines}:
                yield f"{name}: {about} is not {lines} lines"
            if not attempt[step.pk] <= chunk.attempt <= step.attempt:
                yield f"{name}: {about} is of attempt {chunk.attempt}, which cannot be"
            last[step.pk], attempt[step.pk] = chunk.last, chunk.attempt
        for pk, step in self.steps.items():
            if step.log_lines != last[pk]:
                yield f"{step.name}: log_lines is {step.log_lines}, the log ends with {last[pk]}"
