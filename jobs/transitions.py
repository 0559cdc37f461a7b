"""The one door: only this module writes a status, and never without its journal entry.

A batch is one transaction about one job. Its journal entries are written first, then the rows they
describe are updated *from the journal*, then, after the commit, whoever watches is poked::

    def decide(batch):
        step = batch.held(claim)          # refuses who has been overtaken
        batch.succeed(step, ending)       # verbs, not fields
        ...

    transitions.commit(state, decide, source="worker")

``commit`` decides on a remembered state of the job. If somebody else has moved the job meanwhile,
the journal number is taken, nothing is written, and it decides again on what is there now. The tag
of the last entry is part of what is remembered: in a database that was restored from an older copy,
equal numbers mean nothing.
"""

from __future__ import annotations

import copy
import random
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from . import crashpoints, database, intents, news
from .codes import Code, Fact
from .definitions import StepDefinition
from .definitions.parameters import Understood
from .exceptions import MoveRefused, Overtaken
from .models import Attempt, Job, Need, Step, Transition, Worker
from .statuses import (
    CHARGED,
    CRASHES,
    HOPELESS,
    JOB_MOVES,
    JOB_RETRIES,
    STEP_MOVES,
    STEP_RETRIES,
    TERMINAL,
    Kind,
    Moves,
    Status,
    Verdict,
    is_legal,
    only_code,
    status_of_job,
)
from .tally import Tally
from .text import shorten

# Seconds before a batch that met a busy database or a faster writer is decided again.
RETRY_PAUSES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
# Characters that the journal has room for.
_ACTOR, _REASON = 150, 500


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's hold on one attempt of a step. Everything it writes carries the fence."""

    job_id: int
    step_id: int
    name: str
    attempt: int
    fence: int
    tag: str  # of the journal entry that began it
    timeout: float | None
    started_at: datetime
    log_lines: int  # of the step, before this attempt

    @classmethod
    def of(cls, step: Step, started_at: datetime) -> Claim:
        """The hold on the attempt that the step is in."""
        return cls(
            job_id=step.job_id,
            step_id=step.pk,
            name=step.name,
            attempt=step.attempt,
            fence=step.fence,
            tag=step.tag,
            timeout=step.timeout,
            started_at=started_at,
            log_lines=step.log_lines,
        )


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What is kept of an attempt that ends."""

    claim: Claim
    worker: Worker | None
    verdict: Verdict
    fact: Fact
    result: Any = None
    error: str = ""
    traceback: str = ""
    log_lines: int | None = None  # of the step, in the end; None: its row is asked


@dataclass
class JobState:
    """A job, its steps and its plan as of ``job.seq``, remembered between batches."""

    job: Job
    steps: dict[int, Step]
    needs: dict[int, list[int]]  # step → steps it needs
    dependants: dict[int, list[int]]  # step → steps that need it
    results: dict[int, Any] = field(default_factory=dict)  # of succeeded steps, as far as known
    _stale: set[int] = field(default_factory=set)  # steps that the tally does not know as they are

    def __post_init__(self) -> None:
        self._tally = Tally(self.steps.values())

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
        arrows = arrows.order_by("step__position", "needed__position")
        for step_id, needed_id in arrows:
            state.needs.setdefault(step_id, []).append(needed_id)
            state.dependants.setdefault(needed_id, []).append(step_id)
        return state

    def refresh(self, *, lock: bool = False) -> None:
        """Bring the state up to date: what changed since the entry it knows?

        With *lock*, nobody else moves the job until the transaction in progress has ended. Raises
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
        self.job = job  # last: what a broken read leaves behind is read again

    def touch(self, step: Step) -> None:
        """The step is about to change in place."""
        self._stale.add(step.pk)

    def replace(self, step: Step) -> None:
        """Remember the step so from now on."""
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


class _Collision(Exception):
    """Somebody else wrote to this job since the state was read."""


def commit(
    state: JobState,
    decide: Callable[[Batch], None],
    *,
    name: str = "batch",
    actor: str = "",
    source: str = "",
) -> Batch:
    """Run *decide* on the state and write what it decided, all or nothing, in one transaction.

    *decide* may run several times; it acts only through the batch. *name* is what the crash points
    of this batch begin with. Returns the batch that was written. Raises what *decide* raises
    (MoveRefused, Overtaken: nothing is written then) and, when the database stays busy through all
    retries, its error.
    """
    is_stale = False
    for pause in (*RETRY_PAUSES, None):
        batch = None
        try:
            crashpoints.reach(f"{name}.before_begin")
            with database.write():
                if is_stale:  # who has lost once is not overtaken again
                    state.refresh(lock=True)
                batch = Batch(state, actor=actor, source=source, name=name)
                decide(batch)
                batch.write()
                crashpoints.reach(f"{name}.before_commit")
        except BaseException as error:
            if batch and batch.is_written and has_arrived(error, batch.is_in_database):
                return batch
            if batch:
                batch.undo()
            passing = isinstance(error, _Collision) or database.is_transient(error)
            if pause is None or not passing:
                raise
        else:
            crashpoints.reach(f"{name}.after_commit")
            return batch
        is_stale = True
        time.sleep(pause * random.uniform(0.5, 1.5))
    raise AssertionError("the last try raises or returns")


def has_arrived(error: BaseException, is_there: Callable[[], bool]) -> bool:
    """Whether what was written is in a database whose *error* came instead of COMMIT's answer.

    False, too, while the database cannot be asked: a batch that is tried again collides with itself
    then.
    """
    if not database.is_commit_uncertain(error):
        return False
    for pause in RETRY_PAUSES:
        time.sleep(pause)
        try:
            database.reconnect()
            return is_there()
        except database.DATABASE_ERRORS:
            continue
    return False


class Batch:
    """The moves of one transaction. Each verb checks that the move is legal and notes its entry."""

    def __init__(self, state: JobState, *, actor: str, source: str, name: str) -> None:
        self.state = state
        self.now = timezone.now()
        self.claims: list[Claim] = []  # what it starts
        self.is_written = False
        self._is_retry = False
        self._name = name
        self._actor = actor
        self._source = source
        self._base_seq = state.job.seq
        self._base_tag = state.job.tag
        self._entries: list[Transition] = []
        self._attempts: dict[int, Attempt] = {}
        self._freeing: dict[int, int] = {}  # succeeded step → seq of its entry
        self._moved: set[int] = set()
        self._recounted: dict[int, Step] = {}  # steps whose counters change beside their move
        self._before: dict[int, Step] = {}
        self._intent: tuple[str, Any] | None = None
        self._job_before = copy.copy(state.job)

    # -- looking

    def held(self, claim: Claim) -> Step:
        """The step of *claim*. Raises Overtaken when somebody else has moved it since."""
        step = self.state.steps.get(claim.step_id)
        if step is None:  # the database is an older copy
            raise Overtaken(f"There is no step {claim.name} of job {claim.job_id} any more.")
        if (step.fence, step.tag) != (claim.fence, claim.tag) or step.status != Status.RUNNING:
            raise Overtaken(
                f"{step} is {step.status} (attempt {step.attempt}); attempt {claim.attempt} "
                "does not own it any more."
            )
        return step

    def ready(self) -> Iterator[Step]:
        """Steps that may start now, and that this batch has not moved yet."""
        return (step for step in self.state.ready(self.now) if step.pk not in self._moved)

    # -- verbs

    def start(self, step: Step, worker: Worker) -> Claim:
        """pending → running: *worker* begins the next attempt."""
        self._touch(step)
        step.attempt += 1
        claimed = Fact(Code.STEP_CLAIMED, {"worker": str(worker), "worker_id": worker.pk})
        self._move(step, Status.RUNNING, claimed)
        step.waiting = 0
        step.done = step.total = None
        step.progress_text = ""
        self._attempts[step.pk] = Attempt(
            step_id=step.pk, number=step.attempt, worker=worker, started_at=self.now
        )
        claim = Claim.of(step, self.now)
        self.claims.append(claim)
        return claim

    def succeed(self, step: Step, ending: Ending) -> None:
        """running → succeeded; what needed only this step is free to start."""
        entry = self._end(step, Status.SUCCEEDED, ending)
        self.state.results[step.pk] = ending.result
        for dependant in self._dependants(step):
            self._touch(dependant)
            dependant.waiting -= 1
            dependant.seq = entry.seq
        self._freeing[step.pk] = entry.seq

    def fail(self, step: Step, ending: Ending, *, no_retry: str = "") -> None:
        """running → failed; everything that needs this step is skipped.

        *no_retry* says why there is no retry although one was left (``codes`` lists the words).
        """
        self._end(step, Status.FAILED, ending, no_retry=no_retry or None)
        self._skip_dependants(step)

    def retry_later(self, step: Step, ending: Ending, delay: float) -> None:
        """running → pending: the attempt is charged, the next one begins in *delay* seconds."""
        number = step.failures + 1
        retry = {"number": number, "limit": step.retries, "delay": round(delay, 3)}
        self._end(step, Status.PENDING, ending, retry=retry)
        step.not_before = self.now + timedelta(seconds=delay)

    def stop(self, step: Step, ending: Ending, *, no_retry: str = "") -> None:
        """running → cancelled; everything that needs this step is skipped."""
        self._end(step, Status.CANCELLED, ending, no_retry=no_retry or None)
        self._skip_dependants(step)

    def requeue(self, step: Step, ending: Ending) -> None:
        """running → pending: the step is free for another worker, as a new attempt."""
        self._end(step, Status.PENDING, ending)

    def give_up(self, step: Step, fact: Fact) -> None:
        """pending → failed without an attempt; everything that needs this step is skipped."""
        self._move(step, Status.FAILED, fact)
        self._skip_dependants(step)

    def cancel_pending(self) -> None:
        """pending → cancelled, for every step that does not run."""
        for step in self.state.steps.values():
            if step.status == Status.PENDING:
                self._move(step, Status.CANCELLED, Fact(Code.STEP_CANCELLED_WAITING))

    def retry(self, chosen: list[Step], why: str) -> None:
        """failed, cancelled → pending, and skipped → pending for what needs them and can run then.

        The first entry is the request. Counters begin anew; attempts and the log go on.
        """
        self._is_retry = True
        [about] = chosen if len(chosen) == 1 else [None]
        asked = Fact(Code.REQUEST_RETRY, {"steps": [step.name for step in chosen]})
        self._enter(Kind.REQUEST, asked.but(why=why or None), step=about)
        self.state.job.cancel_requested = False
        for step in chosen:
            self._take_back(step)
        self._take_back_skipped(chosen)
        for step in self._recounted.values():
            self._touch(step)
            step.waiting = sum(
                self.state.steps[pk].status != Status.SUCCEEDED
                for pk in self.state.needs.get(step.pk, ())
            )

    def _take_back_skipped(self, chosen: list[Step]) -> None:
        """Take back the skipped steps that can run once *chosen* are pending again."""
        hindrances: dict[int, int] = {}  # step → needed steps that it could not run after
        todo = [step.pk for step in chosen]
        while todo:
            for pk in self.state.dependants.get(todo.pop(), ()):
                step = self.state.steps[pk]
                if step.status != Status.SKIPPED:
                    continue
                if pk not in hindrances:
                    hindrances[pk] = sum(
                        self.state.steps[needed].status in HOPELESS
                        for needed in self.state.needs[pk]
                    )
                if not hindrances[pk]:
                    self._take_back(step)
                    todo.append(pk)
                    for further in self.state.dependants.get(pk, ()):
                        if further in hindrances:
                            hindrances[further] -= 1

    def _take_back(self, step: Step) -> None:
        was_skipped = step.status == Status.SKIPPED
        code = Code.STEP_DEPENDENCY_RETRIED if was_skipped else Code.STEP_RETRIED
        self._move(step, Status.PENDING, Fact(code), STEP_RETRIES)
        step.failures = step.crashes = step.interruptions = 0
        self._recounted[step.pk] = step

    def request_cancel(self) -> None:
        """Journal that somebody wants this job to stop."""
        self.state.job.cancel_requested = True
        self._enter(Kind.REQUEST, Fact(Code.REQUEST_CANCEL))

    def note(self, fact: Fact, step: Step | None = None) -> None:
        """Journal something that changes no status."""
        self._enter(Kind.NOTE, fact, step=step)

    def remember(self, intent: str, result: Any) -> None:
        """Record what came of an intent with this batch, unless the intent is empty."""
        if intent:
            self._intent = (intent, result)

    @property
    def has_request(self) -> bool:
        """Whether this batch did what somebody asked for, and not only noted it."""
        return any(entry.kind == Kind.REQUEST for entry in self._entries)

    @property
    def taken_back(self) -> list[str]:
        """The names of the steps that a retry made pending again, in their order."""
        rows = sorted(self._recounted.values(), key=lambda step: step.position)
        return [step.name for step in rows if step.status == Status.PENDING]

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
                about = {"dependency": needed.name, "dependency_id": needed.pk}
                fact = Fact(Code.STEP_DEPENDENCY_UNSUCCESSFUL, about)
                self._move(dependant, Status.SKIPPED, fact)
                in_vain.append(dependant)

    def _move(self, step: Step, to: Status, fact: Fact, moves: Moves = STEP_MOVES) -> Transition:
        if not is_legal(moves, step.status, to) or step.pk in self._moved:
            raise MoveRefused(step, step.status, to)
        self._touch(step)
        self._moved.add(step.pk)
        entry = self._enter(Kind.MOVE, fact, step=step, old=step.status, new=to)
        step.status = to
        step.seq = entry.seq
        step.tag = entry.tag
        step.fence += 1
        step.not_before = None
        return entry

    def _charge(self, step: Step, verdict: Verdict) -> None:
        """Count an attempt against the retries of its step, or against its interruptions."""
        if verdict not in CHARGED and verdict is not Verdict.INTERRUPTED:
            return
        step.failures += verdict in CHARGED
        step.crashes += verdict in CRASHES
        step.interruptions += verdict is Verdict.INTERRUPTED
        self._recounted[step.pk] = step

    def _settle_job(self) -> None:
        """Bring the job's status in line with its steps'."""
        job = self.state.job
        new = status_of_job(job.status, self.state.tally.statuses)
        if new == job.status:
            return
        moves = JOB_RETRIES if self._is_retry and job.status in TERMINAL else JOB_MOVES
        if not is_legal(moves, job.status, new):
            raise MoveRefused(job, job.status, new)
        self._enter(Kind.MOVE, Fact(only_code(moves, job.status, new)), old=job.status, new=new)
        job.status = new
        if new == Status.PENDING:
            job.started_at = job.ended_at = None
        if new == Status.RUNNING:
            job.started_at = self.now
        if new in TERMINAL:
            job.ended_at = self.now

    def _enter(
        self,
        kind: Kind,
        fact: Fact,
        *,
        step: Step | None = None,
        old: str = "",
        new: str = "",
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
            actor=shorten(self._actor, _ACTOR),
            source=self._source,
            code=fact.code,
            data=dict(fact.data),
            reason=shorten(fact.reason, _REASON),
        )
        self._entries.append(entry)
        return entry

    def _end(self, step: Step, to: Status, ending: Ending, **more: Any) -> Transition:
        """running → *to*: count the attempt, and write its end and the entry that tells it."""
        self._touch(step)
        self._charge(step, ending.verdict)
        step.log_lines = _log_lines(step) if ending.log_lines is None else ending.log_lines
        fact = ending.fact.but(
            log_lines=step.log_lines,
            failures=step.failures,
            crashes=step.crashes,
            interruptions=step.interruptions,
            **more,
        )
        entry = self._move(step, to, fact)
        self._end_attempt(step, ending)
        return entry

    def _end_attempt(self, step: Step, ending: Ending) -> None:
        self._attempts[step.pk] = Attempt(
            step_id=step.pk,
            number=ending.claim.attempt,
            worker=ending.worker,
            started_at=ending.claim.started_at,
            ended_at=self.now,
            verdict=ending.verdict,
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
        if self._intent:
            intents.record(*self._intent)
        self._write_journal()
        crashpoints.reach(f"{self._name}.journal_written")
        self._write_job()
        crashpoints.reach(f"{self._name}.job_written")
        self._write_moved_steps()
        self._write_recounted_steps()
        self._write_freed_steps()
        crashpoints.reach(f"{self._name}.steps_written")
        self._write_attempts()
        news.announce(self.state.job.pk, self.state.job.seq)
        self.is_written = True

    def is_in_database(self) -> bool:
        """Whether the last entry of this very batch is there, and so all of it."""
        last = self._entries[-1]
        return Transition.objects.filter(job=last.job_id, seq=last.seq, tag=last.tag).exists()

    def _write_journal(self) -> None:
        try:
            Transition.objects.bulk_create(self._entries)
        except IntegrityError as error:
            raise _Collision("journal number taken") from error

    def _write_job(self) -> None:
        job = self.state.job
        job.seq, job.tag = self._entries[-1].seq, self._entries[-1].tag
        base = Job.objects.filter(pk=job.pk, seq=self._base_seq, tag=self._base_tag)
        written = base.update(
            seq=job.seq,
            tag=job.tag,
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
        with database.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE truestep_step SET status = j.to_status, seq = j.seq, attempt = j.attempt, "
                "fence = fence + 1, tag = j.tag, not_before = NULL, "
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

    def _write_recounted_steps(self) -> None:
        if self._is_retry:
            self._write_taken_back_steps()
            return
        for step in self._recounted.values():  # the one whose attempt is charged
            Step.objects.filter(pk=step.pk).update(
                failures=step.failures,
                crashes=step.crashes,
                interruptions=step.interruptions,
                not_before=step.not_before,
            )

    def _write_taken_back_steps(self) -> None:
        """One statement for any number of steps: none is charged, each waits for what is undone."""
        with database.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE truestep_step SET failures = 0, crashes = 0, interruptions = 0, waiting = "
                "(SELECT count(*) FROM truestep_need AS n "
                "JOIN truestep_step AS needed ON needed.id = n.needed_id "
                "WHERE n.step_id = truestep_step.id AND needed.status <> 'succeeded') "
                "WHERE job_id = %s AND seq > %s",
                [self.state.job.pk, self._base_seq],
            )

    def _write_freed_steps(self) -> None:
        """One statement for any number of steps that needed one which has succeeded."""
        for needed, seq in self._freeing.items():
            if self._moved.issuperset(self.state.dependants.get(needed, ())):
                continue  # they have started in this batch
            dependants = Need.objects.filter(needed=needed).values("step")
            pending = Step.objects.filter(pk__in=dependants, status=Status.PENDING)
            pending.update(waiting=F("waiting") - 1, seq=seq)

    def _write_attempts(self) -> None:
        """One statement for those that begin and those that end."""
        if self._attempts:
            Attempt.objects.bulk_create(
                self._attempts.values(),
                update_conflicts=True,
                unique_fields=["step", "number"],
                update_fields=["ended_at", "verdict", "result", "error", "traceback"],
            )

    def _touch(self, step: Step) -> None:
        self._before.setdefault(step.pk, copy.copy(step))
        self.state.touch(step)

    def undo(self) -> None:
        """Nothing was written: the remembered state is again what it was."""
        self.state.job = self._job_before
        for step in self._before.values():
            self.state.replace(step)
        for step_id in self._moved:
            self.state.results.pop(step_id, None)


def bear(
    definition: str,
    params: Understood,
    plan: Collection[StepDefinition],
    *,
    actor: str,
    source: str,
    fact: Fact,
    again_of: Job | None,
    intent: str = "",
) -> Job:
    """Write a job whole: the row, its steps, all pending, its birth, and whose intent it is.

    Joins the transaction in progress, if there is one.
    """
    crashpoints.reach("launch.before_begin")
    job = Job.objects.create(
        definition=definition,
        params=params.typed,
        understood=params.kept,
        tag=new_tag(),
        again_of=again_of,
    )
    crashpoints.reach("launch.job_written")
    if intent:
        intents.record(intent, job.pk)
    steps = Step.objects.bulk_create(
        Step(
            job=job,
            name=step.name,
            position=position,
            timeout=step.timeout,
            retries=step.retries,
            retry_delay=step.retry_delay,
            waiting=len(step.needs),
        )
        for position, step in enumerate(plan)
    )
    by_name = {step.name: step for step in steps}
    Need.objects.bulk_create(
        Need(step=by_name[step.name], needed=by_name[needed])
        for step in plan
        for needed in step.needs
    )
    crashpoints.reach("launch.steps_written")
    Transition.objects.create(
        job=job,
        seq=1,
        tag=job.tag,
        kind=Kind.BIRTH,
        to_status=Status.PENDING,
        at=job.created_at,
        actor=shorten(actor, _ACTOR),
        source=source,
        code=fact.code,
        data=dict(fact.data),
        reason=shorten(fact.reason, _REASON),
    )
    news.announce(job.pk, 1)
    crashpoints.reach("launch.before_commit")
    return job


def _log_lines(step: Step) -> int:
    """How many lines the log of a step has now: while it runs, its remembered row does not know."""
    lines = Step.objects.filter(pk=step.pk).values_list("log_lines", flat=True)
    return next(iter(lines), step.log_lines)  # of a deleted job there is no row


def new_tag() -> str:
    """A random mark for a journal entry."""
    return secrets.token_hex(4)
