"""What can be done to a job, as verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from ..codes import Code, Fact
from ..exceptions import Overtaken
from ..models import Step, Worker
from ..statuses import (
    CHARGED,
    CRASHES,
    HOPELESS,
    STEP_RETRIES,
    Kind,
    Status,
    Verdict,
)
from .attempts import Claim, Ending
from .deadline import Deadline
from .draft import Draft
from .rows import AttemptRow, Entry
from .state import JobState


class Batch(Draft):
    """One decision about one job, written in one transaction.

    A verb that the status tables do not allow raises MoveRefused, and then nothing is written.
    """

    def __init__(self, state: JobState, *, actor: str, source: str, name: str) -> None:
        super().__init__(state, actor=actor, source=source, name=name)
        self.claims: list[Claim] = []  # what it starts

    # -- looking

    def held(self, claim: Claim) -> Step:
        """The step of *claim*. Raises Overtaken when it is not this attempt's any more."""
        step = self.state.steps.get(claim.step_id)
        if step is None:  # the database is an older copy
            raise Overtaken(f"There is no step {claim.name} of job {claim.job_id} any more.")
        if (step.fence, step.tag) != (claim.fence, claim.tag) or step.status != Status.RUNNING:
            raise Overtaken(
                f"{step} is {step.status} (attempt {step.attempt}); attempt {claim.attempt} "
                "does not own it any more."
            )
        return step

    def ready(self, serves: Callable[[str], bool]) -> Iterator[Step]:
        """Steps of the queues that somebody *serves* that may start and were not moved here yet."""
        moved = self._changes.moved
        return (step for step in self.state.ready(self.now, serves) if step.pk not in moved)

    @property
    def moved_line(self) -> str:
        """The key of the job, if the batch lets its line move on or puts the job into it."""
        job, before = self.state.job, self._job_before
        has_ended = job.is_finished and not before.is_finished
        return job.key if has_ended or (job.awaits_key and not before.awaits_key) else ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is decided yet."""
        return not self._changes.entries

    @property
    def is_overdue(self) -> bool:
        """Whether the job's deadline has passed, and nobody has ended it yet."""
        job = self.state.job
        return bool(job.due_at and job.deadline_at and self.now >= job.deadline_at)

    @property
    def ready_queues(self) -> set[str]:
        """The queues of the steps that may start now, once this batch is written."""
        return self.state.ready_queues(self.now)

    @property
    def taken_back(self) -> list[str]:
        """The names of the steps that a retry made pending again, in their order."""
        rows = sorted(self._changes.taken_back.values(), key=lambda step: step.position)
        return [step.name for step in rows]

    # -- verbs of a worker

    def start(self, step: Step, worker: Worker) -> Claim:
        """pending → running: *worker* begins the next attempt."""
        attempt = AttemptRow(
            step_id=step.pk, number=step.attempt + 1, worker_id=worker.pk, started_at=self.now
        )
        claimed = Fact(Code.STEP_CLAIMED, {"worker": str(worker), "worker_id": worker.pk})
        self._move(step, Status.RUNNING, claimed, attempt=attempt.number)
        self._changes.attempts[step.pk] = attempt
        claim = Claim.of(step, self.now)
        self.claims.append(claim)
        return claim

    def succeed(self, step: Step, ending: Ending) -> None:
        """running → succeeded; a dependant that needed only this step is free to start."""
        entry = self._end(step, Status.SUCCEEDED, ending)
        self.state.results[step.pk] = ending.result
        for dependant in filter(self._is_pending, self.state.plan.dependants[step.pk]):
            row = self._change(self.state.steps[dependant])
            row.waiting -= 1
            row.seq = entry.seq
        self._changes.freed_by[step.pk] = entry.seq

    def fail(self, step: Step, ending: Ending, *, no_retry: str = "") -> None:
        """running → failed; its dependants are skipped.

        *no_retry* says why there is no retry although one was left (``codes`` lists the values).
        """
        self._end(step, Status.FAILED, ending, no_retry=no_retry or None)
        self._skip_dependants(step)

    def stop(self, step: Step, ending: Ending, *, no_retry: str = "") -> None:
        """running → cancelled; its dependants are skipped. *no_retry* as in ``fail``."""
        self._end(step, Status.CANCELLED, ending, no_retry=no_retry or None)
        self._skip_dependants(step)

    def retry_later(self, step: Step, ending: Ending, delay: float) -> None:
        """running → pending: the attempt is charged, the next one begins in *delay* seconds."""
        number = step.failures + 1
        retry = {"number": number, "limit": step.retries, "delay": round(delay, 3)}
        self._end(step, Status.PENDING, ending, retry=retry)
        step.not_before = self.now + timedelta(seconds=delay)

    def requeue(self, step: Step, ending: Ending) -> None:
        """running → pending: another worker may start the step, as a new attempt."""
        self._end(step, Status.PENDING, ending)

    def give_up(self, step: Step, fact: Fact) -> None:
        """pending → failed without an attempt; its dependants are skipped."""
        self._move(step, Status.FAILED, fact)
        self._skip_dependants(step)

    def note(self, fact: Fact, step: Step | None = None) -> None:
        """Journal something that changes no status."""
        self._enter(Kind.NOTE, fact, step)

    def obtain_key(self, number: int) -> None:
        """The job, which waits in line, has its key now, and its steps may start."""
        job = self.state.job
        entry = self._enter(Kind.NOTE, Fact(Code.NOTE_KEY_OBTAINED, {"key": job.key}))
        job.key_number, job.key_since = number, self.now
        for step in self.state.steps.values():
            if step.status == Status.PENDING and not self._unfinished_needs(step.pk):
                row = self._change(step)
                row.waiting, row.seq = 0, entry.seq
        self._changes.unlocked_at = entry.seq

    # -- verbs of a sweep

    def warn_of_deadline(self, deadline_at: datetime) -> None:
        """Note how much time is left."""
        job = self.state.job
        left = round((deadline_at - self.now).total_seconds(), 3)
        self.note(Fact(Code.NOTE_DEADLINE_NEAR, {"deadline": job.deadline, "left": left}))
        job.due_at = deadline_at

    def request_end_at_deadline(self) -> None:
        """As if a person had asked for the job to be cancelled. Its running steps have failed."""
        job = self.state.job
        job.cancel_requested, job.due_at = True, None
        self._enter(Kind.REQUEST, Fact(Code.REQUEST_DEADLINE, {"deadline": job.deadline}))

    # -- verbs of a person

    def request_cancel(self) -> None:
        """Journal that a person asked for the job to be cancelled. Its deadline is off."""
        vars(self.state.job).update(vars(Deadline()), cancel_requested=True)
        self._enter(Kind.REQUEST, Fact(Code.REQUEST_CANCEL))

    def cancel_pending(self) -> None:
        """pending → cancelled, for every step that does not run."""
        for step in self.state.steps.values():
            if step.status == Status.PENDING:
                self._move(step, Status.CANCELLED, Fact(Code.STEP_CANCELLED_WAITING))

    def retry(self, chosen: list[Step], why: str | None = None) -> None:
        """failed, cancelled → pending, and skipped → pending for dependants that can run then.

        The first entry is the request. Counters reset; attempts and the log continue. The job has
        the whole time to its deadline again.
        """
        [about] = chosen if len(chosen) == 1 else [None]
        asked = Fact(Code.REQUEST_RETRY, {"steps": [step.name for step in chosen]})
        self._enter(Kind.REQUEST, asked.but(why=why), about)
        job = self.state.job
        vars(job).update(vars(Deadline.after(self.now, job.deadline)), cancel_requested=False)
        for step in chosen:
            self._take_back(step)
        for pk in self.state.plan.order:
            if self._can_run_again(pk):
                self._take_back(self.state.steps[pk])
        self._join_line()  # after the moves, which belong to the request
        is_locked = self.state.job.key_number == 0
        for pk, step in self._changes.taken_back.items():
            step.waiting = self._unfinished_needs(pk) or int(is_locked)

    def remember(self, intent: str, result: Any) -> None:
        """Record what came of an intent with this batch, unless the intent is empty."""
        if intent:
            self._changes.intent = (intent, result)

    # -- from verbs to entries

    def _join_line(self) -> None:
        """A job that had ended holds its key no longer, and waits for it."""
        job = self.state.job
        if job.key and job.is_finished:
            job.key_number, job.key_since = 0, self.now
            self._enter(Kind.NOTE, Fact(Code.NOTE_KEY_AWAITED, {"key": job.key}))

    def _unfinished_needs(self, step_id: int) -> int:
        """How many steps that this one needs have not succeeded."""
        needed = self.state.plan.dependencies[step_id]
        return sum(self.state.steps[pk].status != Status.SUCCEEDED for pk in needed)

    def _is_pending(self, step_id: int) -> bool:
        return self.state.steps[step_id].status == Status.PENDING

    def _skip_dependants(self, step: Step) -> None:
        """pending → skipped, for all that need *step*, directly or through others."""
        for dependency, dependant in self.state.plan.down(step.pk, self._is_pending):
            needed = self.state.steps[dependency]
            about = {"dependency": needed.name, "dependency_id": needed.pk}
            fact = Fact(Code.STEP_DEPENDENCY_UNSUCCESSFUL, about)
            self._move(self.state.steps[dependant], Status.SKIPPED, fact)

    def _can_run_again(self, step_id: int) -> bool:
        """Whether a step is skipped, and none of its dependencies keeps it from running now."""
        if self.state.steps[step_id].status != Status.SKIPPED:
            return False
        needed = self.state.plan.dependencies[step_id]
        return not any(self.state.steps[pk].status in HOPELESS for pk in needed)

    def _take_back(self, step: Step) -> None:
        was_skipped = step.status == Status.SKIPPED
        code = Code.STEP_DEPENDENCY_RETRIED if was_skipped else Code.STEP_RETRIED
        self._move(step, Status.PENDING, Fact(code), moves=STEP_RETRIES)
        step.failures = step.crashes = step.interruptions = 0
        self._changes.taken_back[step.pk] = step

    def _end(self, step: Step, to: Status, ending: Ending, **more: Any) -> Entry:
        """running → *to*: count the attempt, and write its end and the entry that says so."""
        self._charge(self._change(step), ending.verdict)
        step.log_lines = ending.tail.last if ending.tail else _log_lines(step)
        if ending.tail and not ending.tail.is_empty:
            self._changes.tails.append(ending.tail)
        fact = ending.fact.but(
            log_lines=step.log_lines,
            failures=step.failures,
            crashes=step.crashes,
            interruptions=step.interruptions,
            **more,
        )
        self._changes.attempts[step.pk] = AttemptRow(
            step_id=step.pk,
            number=ending.claim.attempt,
            worker_id=ending.worker.pk if ending.worker else None,
            started_at=ending.claim.started_at,
            ended_at=self.now,
            verdict=ending.verdict,
            result=ending.result,
            error=ending.error,
            traceback=ending.traceback,
            **vars(ending.used),
        )
        return self._move(step, to, fact)

    def _charge(self, step: Step, verdict: Verdict) -> None:
        """Count an attempt against the retries of its step, or against its interruptions."""
        if verdict not in CHARGED and verdict is not Verdict.INTERRUPTED:
            return
        step.failures += verdict in CHARGED
        step.crashes += verdict in CRASHES
        step.interruptions += verdict is Verdict.INTERRUPTED
        self._changes.charged[step.pk] = step


def _log_lines(step: Step) -> int:
    """How many lines the log of a step has now: while it runs, its remembered row does not know."""
    lines = Step.objects.filter(pk=step.pk).values_list("log_lines", flat=True)
    return next(iter(lines), step.log_lines)  # of a deleted job there is no row
