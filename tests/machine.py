"""A small simulation of workers, people and clocks, in which everything happens that may happen.

``Simulation`` performs one action after another, in this process and on the real database, and
checks after each that everything still adds up. Hypothesis chooses the actions in
``tests/test_machine.py``, a seed chooses them in ``play``. Workers here are as unkind as a network:
they write late, deliver twice, forget what they have claimed, and vanish.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

F = TypeVar("F", bound=Callable[..., Any])

LEASE = 15.0
DEFINITIONS = ("machine_chain", "machine_diamond", "machine_fan", "machine_stranger")
MOST_JOBS = 3
MOST_WORKERS = 4
ACTIONS: dict[str, Action] = {}


def action(of: str = "", *, when: str = "", weight: int = 1, **sizes: int) -> Callable[[F], F]:
    """Something that may happen. Its numbers are chosen below *sizes*; *of* names the list from
    which its first argument is picked. While that is empty, or *when* is false, it cannot happen.
    """

    def mark(function: F) -> F:
        ACTIONS[function.__name__] = Action(
            function, of, when or of, weight, ({"pick": 12} if of else {}) | sizes
        )
        return function

    return mark


@dataclass
class Action:
    function: Callable[..., Any]
    of: str
    when: str
    weight: int  # how often it is chosen, beside the others
    sizes: dict[str, int]


class Clock:
    """Every clock that decides something: they stand still unless somebody moves them."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
        self.monotonic = 1000.0
        self.boot = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds
        self.boot += seconds

    def sleep(self, seconds: float) -> None:
        """The machine is suspended."""
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds

    @contextmanager
    def installed(self) -> Iterator[None]:
        from django.utils import timezone

        from jobs.upkeep import dead_workers, sweep, unknown_steps
        from jobs.workers import liveness, registration

        mine = SimpleNamespace(
            monotonic=lambda: self.monotonic,
            clock_gettime=lambda which: self.boot,
            CLOCK_BOOTTIME=time.CLOCK_BOOTTIME,
        )
        with ExitStack() as stack:
            stack.enter_context(patch.object(timezone, "now", lambda: self.wall))
            for module in (registration, liveness, sweep, dead_workers, unknown_steps):
                stack.enter_context(patch.object(module, "time", mine))
            yield


@dataclass(eq=False)
class HeldAttempt:
    """What a worker believes: that this attempt is its own."""

    worker: SimulatedWorker
    claim: Any
    book: Any
    state: Any  # the job as the worker remembers it


@dataclass(eq=False)
class SimulatedWorker:
    """A worker: what ``engines.embedded`` does with its rows, without processes."""

    post: Any
    desk: Any
    sweep: Any
    is_far: bool
    held: list[HeldAttempt] = field(default_factory=list)
    watched: dict[UUID, Any] = field(default_factory=dict)  # its own view of the others' beats

    @property
    def is_good(self) -> bool:
        """Whether it can end every job that anybody can end."""
        is_everybodys = self.post.worker.only_job_id is None
        return not self.is_far and is_everybodys and len(self.desk.knows["machine_chain"]) == 3

    @property
    def running(self) -> set[int]:
        return {attempt.claim.step_id for attempt in self.held}


class Simulation:
    """Make it inside ``transactional_db``; ``close`` leaves an empty database behind."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workers: list[SimulatedWorker] = []
        self.jobs: list[int] = []  # those that were not deleted
        self.past: list[HeldAttempt] = []  # attempts that have ended, or that their worker lost
        self.born: list[int] = []
        self._locks: set[int] = set()
        self._jobs: dict[int, Any] = {}  # their rows as of the last look
        self._steps: dict[int, Any] = {}
        self._signed_on = 0
        self._stack = ExitStack()
        self._stack.enter_context(self.clock.installed())
        _make_haste("OFF")
        self.sign_on(0)
        self.sign_on(0)
        self.launch(0)

    # -- from outside

    @property
    def held(self) -> list[HeldAttempt]:
        return [attempt for worker in self.workers for attempt in worker.held]

    @property
    def overtaken(self) -> list[HeldAttempt]:
        """Attempts that a worker believes in, or may tell of, whose step runs anew elsewhere."""
        return [
            attempt
            for attempt in (*self.past, *self.held)
            if (step := self._steps.get(attempt.claim.step_id))
            and step.status == "running"
            and step.attempt != attempt.claim.attempt
        ]

    @property
    def takes_jobs(self) -> bool:
        return len(self.jobs) < MOST_JOBS

    @property
    def takes_workers(self) -> bool:
        return len(self.workers) < MOST_WORKERS

    def can(self, name: str) -> bool:
        when = ACTIONS[name].when
        return not when or bool(getattr(self, when))

    def do(self, name: str, **numbers: int) -> None:
        """One action, and a look whether all adds up."""
        what = ACTIONS[name]
        given: list[Any] = []
        if what.of:
            items = getattr(self, what.of)
            given.append(items[numbers.pop("pick") % len(items)])
        what.function(self, *given, **numbers)
        self.check(is_retry=name == "retry")
        self.clock.pass_by(0.01)

    def close(self) -> None:
        from django.db import connection

        from tests.support.rows import empty_tables

        self._stack.close()
        for lock in self._locks:
            os.close(lock)
        empty_tables()
        _make_haste("FULL" if connection.vendor == "sqlite" else "ON")

    # -- what must be true after each action

    def check(self, *, is_retry: bool = False) -> None:
        from django.db.models import Count

        from jobs import audit
        from jobs.models import Attempt, Job, Step
        from jobs.statuses import TERMINAL

        jobs = Job.objects.in_bulk()
        steps = Step.objects.in_bulk()
        assert sorted(jobs) == sorted(self.jobs)
        for pk, job in jobs.items():
            was = self._jobs.get(pk)
            if was is None or _columns(job) != _columns(was) or self._has_changed(pk, steps):
                assert list(audit.differences_of(job)) == []
            if was is not None:
                moved = (job.seq, job.tag) != (was.seq, was.tag)
                assert job.seq > was.seq or not moved, "the journal went back"
                ended = was.status in TERMINAL and job.status != was.status
                assert is_retry or not ended, f"{was.status} was not final: {job.status}"
        doubled = Attempt.objects.filter(ended_at=None).values("step").annotate(n=Count("pk"))
        assert not doubled.filter(n__gt=1).exists(), "two open attempts of one step"
        for pk, step in steps.items():
            if was := self._steps.get(pk):
                rising = ("fence", "attempt", "seq", "log_lines")
                assert all(getattr(step, name) >= getattr(was, name) for name in rising)
                moved = (step.attempt, step.status) != (was.attempt, was.status)
                assert step.fence > was.fence or not moved, "a move without a new fence"
                assert step.seq > was.seq or step.fence == was.fence, "a fence without an entry"
                ended = was.status in TERMINAL and step.status != was.status
                assert is_retry or not ended, f"{was.status} was not final: {step.status}"
        self._jobs, self._steps = jobs, steps
        self._check_tallies()

    def _check_tallies(self) -> None:
        """What a worker remembers of a job's steps is what they say, one by one."""
        from jobs.statuses import Status

        remembered = [attempt.state for attempt in (*self.past, *self.held)]
        remembered += [state for worker in self.workers for state in worker.desk.jobs.values()]
        for state in {id(state): state for state in remembered}.values():
            steps = sorted(state.steps.values(), key=lambda step: step.position)
            startable = [
                step
                for step in steps
                if (step.status, step.waiting) == (Status.PENDING, 0)
                and (step.not_before is None or step.not_before <= self.clock.wall)
            ]
            assert list(state.tally.startable(self.clock.wall)) == startable
            assert state.tally.statuses == {step.status for step in steps}

    def _has_changed(self, job_id: int, steps: dict[int, Any]) -> bool:
        mine = {pk: _columns(step) for pk, step in steps.items() if step.job_id == job_id}
        known = {pk: _columns(step) for pk, step in self._steps.items() if step.job_id == job_id}
        return mine != known

    def settle(self) -> None:
        """Everybody vanishes but one good worker, and time passes: no job may be stuck."""
        from jobs import audit
        from jobs.models import Job
        from tests.support import statuses

        good = next((worker for worker in self.workers if worker.is_good), None)
        for worker in [worker for worker in self.workers if worker is not good]:
            self.vanish(worker)
        if good is None:
            self.sign_on(0)
        for _ in range(24):
            unfinished = Job.objects.unfinished()
            if not unfinished.exists():
                assert list(audit.differences()) == []
                return
            self.clock.pass_by(1800)
            self.beat(self.workers[0])  # it may have been declared dead, and is another one now
            [good] = self.workers
            self._sweep(good)
            while good.held or self.claim(good, 2):
                self.finish(good.held[0], 0, 0, 0)
            self.check()
        stuck = {job.pk: (job.status, statuses(job)) for job in Job.objects.unfinished()}
        raise AssertionError(f"stuck: {stuck}")

    # -- people

    @action(when="takes_jobs", weight=2, which=len(DEFINITIONS))
    def launch(self, which: int, again_of: Any = None) -> None:
        from jobs import orchestrator

        if self.takes_jobs:
            why = "the world turns" if again_of else ""
            job = orchestrator.launch(DEFINITIONS[which], actor="ada", again_of=again_of, why=why)
            self.jobs.append(job.pk)
            self.born.append(job.pk)

    @action("jobs", which=len(DEFINITIONS))
    def launch_again(self, job_id: int, which: int) -> None:
        from jobs.models import Job

        self.launch(which, again_of=Job.objects.get(pk=job_id))

    @action("jobs")
    def cancel(self, job_id: int) -> None:
        from jobs import orchestrator
        from jobs.models import Job

        job = Job.objects.get(pk=job_id)
        expected = not job.is_finished and not job.cancel_requested
        assert orchestrator.cancel(job_id, actor="ada") == expected
        assert not Job.objects.get(pk=job_id).steps.filter(status="pending").exists()

    @action("jobs", weight=3, which=7)
    def retry(self, job_id: int, which: int) -> None:
        """All that failed (more often than not), one step, or a step that is not there."""
        from jobs import orchestrator
        from jobs.exceptions import UnknownStep
        from jobs.models import Job
        from tests.support import rows

        job = Job.objects.get(pk=job_id)
        steps = list(job.steps.order_by("position"))
        if which == 6:
            before = rows()
            try:
                orchestrator.retry(job_id, "nobody", actor="ada")
            except UnknownStep:
                assert rows() == before
                return
            raise AssertionError("a step that is not there was tried again")
        chosen = steps[which] if which < len(steps) else None
        is_open = job.is_finished or not job.cancel_requested
        again = [s for s in ([chosen] if chosen else steps) if s.status in ("failed", "cancelled")]
        is_skipped = chosen is not None and chosen.status == "skipped"
        taken = orchestrator.retry(
            job_id, chosen.name if chosen else "", actor="ada", why="why not"
        )
        assert bool(taken) == bool(is_open and (again or is_skipped))
        assert {step.name for step in again} <= set(taken) or not is_open

    @action("jobs")
    def delete(self, job_id: int) -> None:
        from jobs.models import Job, Worker

        Job.objects.get(pk=job_id).delete()
        self.jobs.remove(job_id)
        there = set(Worker.objects.values_list("pk", flat=True))
        for worker in [worker for worker in self.workers if worker.post.worker.pk not in there]:
            self.vanish(worker)  # it worked for this job alone

    @action("jobs", which=4)
    def give_up(self, job_id: int, which: int) -> None:
        from jobs import orchestrator
        from jobs.codes import Fact
        from jobs.models import Step

        step = Step.objects.filter(job=job_id, position=which).first()
        if step:
            orchestrator.give_up(job_id, {step.pk: Fact.text("no worker knows it")})

    # -- workers come and go

    @action(when="takes_workers", kind=6)
    def sign_on(self, kind: int) -> SimulatedWorker | None:
        """On this host, on another one, for one job alone, or one that knows half of all steps."""
        from jobs import definitions, upkeep, workers
        from jobs.models import Worker
        from jobs.orchestrator import Desk

        if not self.takes_workers:
            return None
        knows = {name: list(definitions.get(name).steps()) for name in DEFINITIONS[:3]}
        if kind == 3:
            knows = {name: steps[:2] for name, steps in knows.items()}
        only_job = self.jobs[-1] if kind == 2 and self.jobs else None
        post = workers.register(slots=2, knows=knows, only_job=only_job)
        self._locks.add(post._lock)
        self._stack.callback(post._aside.close)
        self._signed_on += 1
        post.worker.pid = self._signed_on
        if kind == 1:
            post.worker.host = "far.example"
        rows = Worker.objects.filter(pk=post.worker.pk)
        rows.update(host=post.worker.host, pid=self._signed_on)
        desk = Desk(post.worker, knows)
        worker = SimulatedWorker(post, desk, upkeep.Sweep(desk), is_far=kind == 1)
        self.workers.append(worker)
        return worker

    @action("workers")
    def vanish(self, worker: SimulatedWorker) -> None:
        """Killed: here the kernel lets go of its lock, of another host only the silence is seen."""
        self.workers.remove(worker)
        self.past += worker.held
        worker.held = []
        if not worker.is_far and worker.post._lock in self._locks:
            self._locks.discard(worker.post._lock)
            os.close(worker.post._lock)

    @action("workers")
    def sign_off(self, worker: SimulatedWorker) -> None:
        """A clean stop: what it runs goes back, uncharged."""
        for attempt in list(worker.held):
            self._end(attempt, "handed back", "its worker stopped", room=0)
        self.workers.remove(worker)
        self._locks.discard(worker.post._lock)
        worker.post.deregister()

    @action("workers")
    def beat(self, worker: SimulatedWorker) -> None:
        """One that was declared dead learns of it here, and begins anew."""
        from jobs.exceptions import DeclaredDead
        from jobs.models import Worker

        is_known = Worker.objects.filter(pk=worker.post.worker.pk, stopped_at=None).exists()
        try:
            worker.post.beat()
            worker.post.beat_in_row()
        except DeclaredDead as error:
            assert not is_known
            for attempt in list(worker.held):
                self._end(attempt, "interrupted", str(error), room=0)
            self.workers.remove(worker)
            self._locks.discard(worker.post._lock)
            worker.post.release()
            self.sign_on(1 if worker.is_far else 0)
        else:
            assert is_known, "one that was declared dead lived on"

    @action("workers", forgets=2)
    def look_after(self, worker: SimulatedWorker, forgets: int) -> None:
        """A sweep; *forgets*: by one that does not know any more what it runs."""
        if forgets:
            self.past += worker.held
            worker.held = []
        self._sweep(worker)

    @action("workers", weight=2, times=6)
    def stand_watch(self, worker: SimulatedWorker, times: int) -> None:
        """It beats and sweeps while the others are silent."""
        for _ in range(times + 1):
            self.clock.pass_by(LEASE / 3)
            self.beat(worker)
            if worker not in self.workers:
                return
            self._sweep(worker)
            self.check()

    def _sweep(self, worker: SimulatedWorker) -> None:
        from jobs.workers import liveness

        with patch.object(liveness, "_observations", worker.watched):
            worker.sweep.has_news = True
            worker.sweep.run(held=worker.running)

    # -- attempts

    @action("workers", weight=5, room=3)
    def claim(self, worker: SimulatedWorker, room: int) -> list[HeldAttempt]:
        from jobs import orchestrator

        return self._take(worker, orchestrator.claim(worker.desk, room + 1))

    @action("workers")
    def claim_and_never_know(self, worker: SimulatedWorker) -> None:
        """The answer to the COMMIT is lost."""
        from jobs import orchestrator

        lost = self._take(worker, orchestrator.claim(worker.desk, 1))
        worker.held = [attempt for attempt in worker.held if attempt not in lost]
        self.past += lost

    def _take(self, worker: SimulatedWorker, claims: Collection[Any]) -> list[HeldAttempt]:
        from jobs.logs import LogBook

        taken = [
            HeldAttempt(worker, claim, LogBook(claim, 2000), worker.desk.jobs[claim.job_id])
            for claim in claims
        ]
        for attempt in taken:
            self._steps_of_its_own(attempt)
        worker.held += taken
        return taken

    def _steps_of_its_own(self, attempt: HeldAttempt) -> None:
        """Nobody else's attempt is open, the worker knows the step, and may take it."""
        worker, job_id = attempt.worker.post.worker, attempt.claim.job_id
        assert attempt.claim.name in worker.knows[attempt.state.job.definition]
        assert worker.only_job_id in (None, job_id)
        assert self._is_open(attempt)

    @action("held", weight=2, lines=4, done=3)
    def speak(self, attempt: HeldAttempt, lines: int, done: int) -> None:
        for number in range(lines):
            attempt.book.add(f"line {number}")
        if done:
            attempt.book.progress(done, 2, "done")
        self._write(attempt, attempt.book.write)

    @action("held", weight=4, room=2, finds_children=2, twice=4)
    def finish(self, attempt: HeldAttempt, room: int, finds_children: int, twice: int) -> None:
        """It returned."""
        self._end(attempt, "returned", "", room=room, result={"children": finds_children})
        if twice == 3:
            self._end(attempt, "returned", "", room=0, result={"children": finds_children})

    @action("held", weight=3, how=4, may_retry=3, room=2)
    def fail(self, attempt: HeldAttempt, how: int, may_retry: int, room: int) -> None:
        verdict = ("failed", "timed out", "died", "lost")[how]
        self._end(attempt, verdict, f"it {verdict}", room=room, may_retry=bool(may_retry))

    @action("held", room=2)
    def stop(self, attempt: HeldAttempt, room: int) -> None:
        """The worker has seen that the job is cancelled, and has ended the step."""
        from jobs.models import Job

        if Job.objects.filter(pk=attempt.claim.job_id, cancel_requested=True).exists():
            self._end(attempt, "stopped", "cancelled while it ran", room=room)

    @action("held")
    def hand_back(self, attempt: HeldAttempt) -> None:
        self._end(attempt, "handed back", "no room", room=0)

    @action("overtaken", weight=5, how=4)
    def deliver_to_another_attempt(self, attempt: HeldAttempt, how: int) -> None:
        self.deliver_late(attempt, how)

    @action("past", how=4)
    def deliver_late(self, attempt: HeldAttempt, how: int) -> None:
        """Something of an attempt that its worker does not attempt any more arrives after all."""
        if how == 0:
            attempt.book.add("late")
            self._write(attempt, attempt.book.write)
        elif how == 1:
            attempt.book.progress(1, 1, "late")
            self._write(attempt, attempt.book.write)
        else:
            self._end(attempt, ("returned", "failed")[how - 2], "late", room=1)

    def _end(
        self,
        attempt: HeldAttempt,
        verdict: str,
        reason: str,
        *,
        room: int,
        result: Any = None,
        **more: Any,
    ) -> None:
        from jobs import orchestrator
        from jobs.codes import Fact
        from jobs.runner import Outcome
        from jobs.statuses import Verdict

        worker = attempt.worker
        outcome = Outcome(
            verdict=Verdict(verdict), fact=Fact.text(reason), error=reason, result=result, **more
        )
        worker.desk.jobs[attempt.claim.job_id] = attempt.state  # as stale as it may be
        is_there = worker in self.workers
        claims = self._write(
            attempt,
            lambda: orchestrator.finish(
                worker.desk, attempt.claim, outcome, room if is_there else 0
            ),
        )
        if attempt in worker.held:
            worker.held.remove(attempt)
        if attempt not in self.past:
            self.past.append(attempt)
        self._take(worker, claims or ())

    def _write(self, attempt: HeldAttempt, write: Callable[[], Any]) -> Any:
        """A write under a claim: taken while the attempt is open, else refused without a trace."""
        from jobs import orchestrator
        from jobs.exceptions import Overtaken
        from tests.support import rows

        is_open = self._is_open(attempt)
        before = None if is_open else rows()
        try:
            answer = write()
        except Overtaken:
            assert not is_open, "the attempt that owns its step was refused"
            assert rows() == before
            orchestrator.note_refused(attempt.worker.desk, attempt.claim)
            if attempt in attempt.worker.held:
                attempt.worker.held.remove(attempt)
                self.past.append(attempt)
            return None
        assert is_open or rows() == before, "a late write was accepted"
        return answer

    def _is_open(self, attempt: HeldAttempt) -> bool:
        """By the attempt's own row: the fence is not asked."""
        from jobs.models import Attempt

        mine = Attempt.objects.filter(step=attempt.claim.step_id, number=attempt.claim.attempt)
        return mine.filter(worker=attempt.worker.post.worker, ended_at=None).exists()

    # -- time

    @action(which=5)
    def let_time_pass(self, which: int) -> None:
        self.clock.pass_by((0.5, 6.0, 15.0, 60.0, 400.0)[which])

    @action(which=4)
    def set_the_wall_clock(self, which: int) -> None:
        self.clock.wall += timedelta(seconds=(-3600, -5, 5, 3600)[which])

    @action()
    def suspend_the_machine(self) -> None:
        self.clock.sleep(7200)

    # -- the history, told alike on every database

    def history(self) -> list[list[Any]]:
        """Every job that is left, in words that do not depend on ids, processes and tags."""
        from jobs.models import Attempt, Job, Step, Transition

        order = {pk: number for number, pk in enumerate(self.born)}
        host = socket.gethostname()

        def told(text: str) -> str:
            text = re.sub(r"job (\d+)", lambda m: f"job #{order.get(int(m[1]))}", text)
            return text.replace(host, "here")

        history: list[list[Any]] = []
        for job in Job.objects.order_by("pk"):
            about = [order[job.pk], job.definition, job.status, job.seq, job.cancel_requested]
            history.append(["job", *about, str(job.started_at), str(job.ended_at)])
            for entry in Transition.objects.filter(job=job).select_related("step"):
                step = entry.step.name if entry.step else None
                facts = [entry.seq, entry.kind, step, entry.attempt]
                facts += [entry.from_status, entry.to_status, entry.actor, entry.source]
                when = "" if entry.seq == 1 else str(entry.at)
                history.append(["entry", *facts, entry.code, told(entry.reason), when])
            columns = (
                "name",
                "status",
                "seq",
                "attempt",
                "fence",
                "failures",
                "crashes",
                "waiting",
            )
            more = ("log_lines", "done", "total", "progress_text")
            steps = Step.objects.filter(job=job)
            history += [["step", *row] for row in steps.values_list(*columns, *more)]
            attempts = Attempt.objects.filter(step__job=job).order_by("step__position", "number")
            columns = ("step__name", "number", "verdict", "result", "error", "worker__pid")
            history += [
                ["attempt", *map(_plain, row)]
                for row in attempts.values_list(*columns, "started_at", "ended_at")
            ]
        return json.loads(json.dumps(history))


def _columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _make_haste(how: str) -> None:
    """Nothing here is about power failures: the disk need not keep up with every commit."""
    from django.db import connection

    on_sqlite = connection.vendor == "sqlite"
    statement = "PRAGMA synchronous = {}" if on_sqlite else "SET synchronous_commit TO {}"
    with connection.cursor() as cursor:
        cursor.execute(statement.format(how))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, datetime) else value


def play(seed: int, actions: int = 40) -> list[list[Any]]:
    """The history of a simulation in which *seed* decides everything."""
    choose = random.Random(seed)
    state = random.getstate()
    random.seed(seed)  # delays
    simulation = Simulation()
    try:
        for _ in range(actions):
            names = [name for name in ACTIONS if simulation.can(name)]
            [name] = choose.choices(names, [ACTIONS[name].weight for name in names])
            sizes = ACTIONS[name].sizes
            simulation.do(name, **{key: choose.randrange(size) for key, size in sizes.items()})
        unsettled = simulation.history()
        simulation.settle()
        return unsettled + simulation.history()
    finally:
        simulation.close()
        random.setstate(state)


def main(seeds: list[str]) -> None:
    """Play on the database of ``DATABASE_URL``, made anew; one history a line."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    for seed in seeds:
        print(json.dumps(play(int(seed))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
