"""A small world of workers, people and clocks, in which everything happens that may happen.

``World`` does one deed after another, in this process and on the real database, and looks after
each of them whether everything still adds up. Hypothesis chooses the deeds in
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
MOST_HANDS = 4
DEEDS: dict[str, Deed] = {}


def deed(of: str = "", *, when: str = "", weight: int = 1, **sizes: int) -> Callable[[F], F]:
    """Something that may happen. Its numbers are chosen below *sizes*; *of* names the list from
    which its first argument is picked. While that is empty, or *when* is false, it cannot happen.
    """

    def mark(function: F) -> F:
        DEEDS[function.__name__] = Deed(
            function, of, when or of, weight, ({"pick": 12} if of else {}) | sizes
        )
        return function

    return mark


@dataclass
class Deed:
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

        from jobs import recovery, workers

        mine = SimpleNamespace(
            monotonic=lambda: self.monotonic,
            clock_gettime=lambda which: self.boot,
            CLOCK_BOOTTIME=time.CLOCK_BOOTTIME,
        )
        with ExitStack() as stack:
            stack.enter_context(patch.object(timezone, "now", lambda: self.wall))
            stack.enter_context(patch.object(workers, "time", mine))
            stack.enter_context(patch.object(recovery, "time", mine))
            yield


@dataclass(eq=False)
class Hold:
    """What a worker believes: that this attempt is its own."""

    hand: Hand
    claim: Any
    book: Any
    state: Any  # the job as the worker remembers it


@dataclass(eq=False)
class Hand:
    """A worker: what ``engines.embedded`` does with its rows, without processes."""

    post: Any
    desk: Any
    sweep: Any
    is_far: bool
    holds: list[Hold] = field(default_factory=list)
    watched: dict[UUID, Any] = field(default_factory=dict)  # its own view of the others' beats

    @property
    def is_good(self) -> bool:
        """Whether it can end every job that anybody can end."""
        is_everybodys = self.post.worker.only_job_id is None
        return not self.is_far and is_everybodys and len(self.desk.knows["machine_chain"]) == 3

    @property
    def running(self) -> set[int]:
        return {hold.claim.step_id for hold in self.holds}


class World:
    """Make it inside ``transactional_db``; ``close`` leaves an empty database behind."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.crew: list[Hand] = []
        self.jobs: list[int] = []  # those that were not deleted
        self.past: list[Hold] = []  # attempts that have ended, or that their worker lost
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
    def held(self) -> list[Hold]:
        return [hold for hand in self.crew for hold in hand.holds]

    @property
    def overtaken(self) -> list[Hold]:
        """Attempts that a worker believes in, or may tell of, whose step runs anew elsewhere."""
        return [
            hold
            for hold in (*self.past, *self.held)
            if (step := self._steps.get(hold.claim.step_id))
            and step.status == "running"
            and step.attempt != hold.claim.attempt
        ]

    @property
    def takes_jobs(self) -> bool:
        return len(self.jobs) < MOST_JOBS

    @property
    def takes_hands(self) -> bool:
        return len(self.crew) < MOST_HANDS

    def can(self, name: str) -> bool:
        when = DEEDS[name].when
        return not when or bool(getattr(self, when))

    def do(self, name: str, **numbers: int) -> None:
        """One deed, and a look whether all adds up."""
        what = DEEDS[name]
        given: list[Any] = []
        if what.of:
            items = getattr(self, what.of)
            given.append(items[numbers.pop("pick") % len(items)])
        what.function(self, *given, **numbers)
        self.check(is_retry=name == "retry")
        self.clock.pass_by(0.01)

    def close(self) -> None:
        from django.db import connection

        from tests.conftest import _empty

        self._stack.close()
        for lock in self._locks:
            os.close(lock)
        _empty()
        _make_haste("FULL" if connection.vendor == "sqlite" else "ON")

    # -- what must be true after each deed

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

        remembered = [hold.state for hold in (*self.past, *self.held)]
        remembered += [state for hand in self.crew for state in hand.desk.jobs.values()]
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

        good = next((hand for hand in self.crew if hand.is_good), None)
        for hand in [hand for hand in self.crew if hand is not good]:
            self.vanish(hand)
        if good is None:
            self.sign_on(0)
        for _ in range(24):
            unfinished = Job.objects.unfinished()
            if not unfinished.exists():
                assert list(audit.differences()) == []
                return
            self.clock.pass_by(1800)
            self.beat(self.crew[0])  # it may have been declared dead, and is another one now
            [good] = self.crew
            self._sweep(good)
            while good.holds or self.claim(good, 2):
                self.finish(good.holds[0], 0, 0, 0)
            self.check()
        stuck = {job.pk: (job.status, statuses(job)) for job in Job.objects.unfinished()}
        raise AssertionError(f"stuck: {stuck}")

    # -- people

    @deed(when="takes_jobs", weight=2, which=len(DEFINITIONS))
    def launch(self, which: int, again_of: Any = None) -> None:
        from jobs import orchestrator

        if self.takes_jobs:
            why = "the world turns" if again_of else ""
            job = orchestrator.launch(DEFINITIONS[which], actor="ada", again_of=again_of, why=why)
            self.jobs.append(job.pk)
            self.born.append(job.pk)

    @deed("jobs", which=len(DEFINITIONS))
    def launch_again(self, job_id: int, which: int) -> None:
        from jobs.models import Job

        self.launch(which, again_of=Job.objects.get(pk=job_id))

    @deed("jobs")
    def cancel(self, job_id: int) -> None:
        from jobs import orchestrator
        from jobs.models import Job

        job = Job.objects.get(pk=job_id)
        expected = not job.is_finished and not job.cancel_requested
        assert orchestrator.cancel(job_id, actor="ada") == expected
        assert not Job.objects.get(pk=job_id).steps.filter(status="pending").exists()

    @deed("jobs", weight=3, which=7)
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

    @deed("jobs")
    def delete(self, job_id: int) -> None:
        from jobs.models import Job, Worker

        Job.objects.get(pk=job_id).delete()
        self.jobs.remove(job_id)
        there = set(Worker.objects.values_list("pk", flat=True))
        for hand in [hand for hand in self.crew if hand.post.worker.pk not in there]:
            self.vanish(hand)  # it worked for this job alone

    @deed("jobs", which=4)
    def give_up(self, job_id: int, which: int) -> None:
        from jobs import orchestrator
        from jobs.models import Step

        step = Step.objects.filter(job=job_id, position=which).first()
        if step:
            orchestrator.give_up(job_id, {step.pk: "nobody knows it"})

    # -- workers come and go

    @deed(when="takes_hands", kind=6)
    def sign_on(self, kind: int) -> Hand | None:
        """On this host, on another one, for one job alone, or one that knows half of all steps."""
        from jobs import definitions, recovery, workers
        from jobs.models import Worker
        from jobs.orchestrator import Desk

        if not self.takes_hands:
            return None
        knows = {name: list(definitions.get(name).steps()) for name in DEFINITIONS[:3]}
        if kind == 3:
            knows = {name: steps[:2] for name, steps in knows.items()}
        only_job = self.jobs[-1] if kind == 2 and self.jobs else None
        post = workers.sign_on(slots=2, knows=knows, only_job=only_job)
        self._locks.add(post._lock)
        self._stack.callback(post._aside.close)
        self._signed_on += 1
        post.worker.pid = self._signed_on
        if kind == 1:
            post.worker.host = "far.example"
        rows = Worker.objects.filter(pk=post.worker.pk)
        rows.update(host=post.worker.host, pid=self._signed_on)
        desk = Desk(post.worker, knows)
        hand = Hand(post, desk, recovery.Sweep(desk), is_far=kind == 1)
        self.crew.append(hand)
        return hand

    @deed("crew")
    def vanish(self, hand: Hand) -> None:
        """Killed: here the kernel lets go of its lock, of another host only the silence is seen."""
        self.crew.remove(hand)
        self.past += hand.holds
        hand.holds = []
        if not hand.is_far and hand.post._lock in self._locks:
            self._locks.discard(hand.post._lock)
            os.close(hand.post._lock)

    @deed("crew")
    def sign_off(self, hand: Hand) -> None:
        """A clean stop: what it runs goes back, uncharged."""
        for hold in list(hand.holds):
            self._end(hold, "handed back", "its worker stopped", room=0)
        self.crew.remove(hand)
        self._locks.discard(hand.post._lock)
        hand.post.sign_off()

    @deed("crew")
    def beat(self, hand: Hand) -> None:
        """One that was declared dead learns of it here, and begins anew."""
        from jobs.exceptions import DeclaredDead
        from jobs.models import Worker

        is_known = Worker.objects.filter(pk=hand.post.worker.pk, stopped_at=None).exists()
        try:
            hand.post.beat()
            hand.post.beat_in_row()
        except DeclaredDead as error:
            assert not is_known
            for hold in list(hand.holds):
                self._end(hold, "interrupted", str(error), room=0)
            self.crew.remove(hand)
            self._locks.discard(hand.post._lock)
            hand.post.abandon()
            self.sign_on(1 if hand.is_far else 0)
        else:
            assert is_known, "one that was declared dead lived on"

    @deed("crew", forgets=2)
    def look_after(self, hand: Hand, forgets: int) -> None:
        """A sweep; *forgets*: by one that does not know any more what it runs."""
        if forgets:
            self.past += hand.holds
            hand.holds = []
        self._sweep(hand)

    @deed("crew", weight=2, times=6)
    def stand_watch(self, hand: Hand, times: int) -> None:
        """It beats and sweeps while the others are silent."""
        for _ in range(times + 1):
            self.clock.pass_by(LEASE / 3)
            self.beat(hand)
            if hand not in self.crew:
                return
            self._sweep(hand)
            self.check()

    def _sweep(self, hand: Hand) -> None:
        from jobs import workers

        with patch.object(workers, "_watched", hand.watched):
            hand.sweep.has_news = True
            hand.sweep.run(held=hand.running)

    # -- attempts

    @deed("crew", weight=5, room=3)
    def claim(self, hand: Hand, room: int) -> list[Hold]:
        from jobs import orchestrator

        return self._take(hand, orchestrator.claim(hand.desk, room + 1))

    @deed("crew")
    def claim_and_never_know(self, hand: Hand) -> None:
        """The answer to the COMMIT is lost."""
        from jobs import orchestrator

        lost = self._take(hand, orchestrator.claim(hand.desk, 1))
        hand.holds = [hold for hold in hand.holds if hold not in lost]
        self.past += lost

    def _take(self, hand: Hand, claims: Collection[Any]) -> list[Hold]:
        from jobs.logs import LogBook

        taken = [
            Hold(hand, claim, LogBook(claim, 2000), hand.desk.jobs[claim.job_id])
            for claim in claims
        ]
        for hold in taken:
            self._steps_of_its_own(hold)
        hand.holds += taken
        return taken

    def _steps_of_its_own(self, hold: Hold) -> None:
        """Nobody else's attempt is open, the worker knows the step, and may take it."""
        worker, job_id = hold.hand.post.worker, hold.claim.job_id
        assert hold.claim.name in worker.knows[hold.state.job.definition]
        assert worker.only_job_id in (None, job_id)
        assert self._is_open(hold)

    @deed("held", weight=2, lines=4, done=3)
    def speak(self, hold: Hold, lines: int, done: int) -> None:
        for number in range(lines):
            hold.book.add(f"line {number}")
        if done:
            hold.book.progress(done, 2, "done")
        self._write(hold, hold.book.write)

    @deed("held", weight=4, room=2, finds_children=2, twice=4)
    def finish(self, hold: Hold, room: int, finds_children: int, twice: int) -> None:
        """It returned."""
        self._end(hold, "returned", "", room=room, result={"children": finds_children})
        if twice == 3:
            self._end(hold, "returned", "", room=0, result={"children": finds_children})

    @deed("held", weight=3, how=4, may_retry=3, room=2)
    def fail(self, hold: Hold, how: int, may_retry: int, room: int) -> None:
        verdict = ("failed", "timed out", "died", "lost")[how]
        self._end(hold, verdict, f"it {verdict}", room=room, may_retry=bool(may_retry))

    @deed("held", room=2)
    def stop(self, hold: Hold, room: int) -> None:
        """The worker has seen that the job is cancelled, and has ended the step."""
        from jobs.models import Job

        if Job.objects.filter(pk=hold.claim.job_id, cancel_requested=True).exists():
            self._end(hold, "stopped", "cancelled while it ran", room=room)

    @deed("held")
    def hand_back(self, hold: Hold) -> None:
        self._end(hold, "handed back", "no room", room=0)

    @deed("overtaken", weight=5, how=4)
    def deliver_to_another_attempt(self, hold: Hold, how: int) -> None:
        self.deliver_late(hold, how)

    @deed("past", how=4)
    def deliver_late(self, hold: Hold, how: int) -> None:
        """Something of an attempt that its worker does not hold any more arrives after all."""
        if how == 0:
            hold.book.add("late")
            self._write(hold, hold.book.write)
        elif how == 1:
            hold.book.progress(1, 1, "late")
            self._write(hold, hold.book.write)
        else:
            self._end(hold, ("returned", "failed")[how - 2], "late", room=1)

    def _end(
        self, hold: Hold, verdict: str, reason: str, *, room: int, result: Any = None, **more: Any
    ) -> None:
        from jobs import orchestrator
        from jobs.runner import Outcome
        from jobs.statuses import Verdict

        hand = hold.hand
        outcome = Outcome(
            verdict=Verdict(verdict), reason=reason, error=reason, result=result, **more
        )
        hand.desk.jobs[hold.claim.job_id] = hold.state  # as stale as it may be
        is_there = hand in self.crew
        claims = self._write(
            hold,
            lambda: orchestrator.finish(hand.desk, hold.claim, outcome, room if is_there else 0),
        )
        if hold in hand.holds:
            hand.holds.remove(hold)
        if hold not in self.past:
            self.past.append(hold)
        self._take(hand, claims or ())

    def _write(self, hold: Hold, write: Callable[[], Any]) -> Any:
        """A write under a claim: taken while the attempt is open, else refused without a trace."""
        from jobs import orchestrator
        from jobs.exceptions import Overtaken
        from tests.support import rows

        is_open = self._is_open(hold)
        before = None if is_open else rows()
        try:
            answer = write()
        except Overtaken:
            assert not is_open, "the attempt that owns its step was refused"
            assert rows() == before
            orchestrator.note_refused(hold.hand.desk, hold.claim)
            if hold in hold.hand.holds:
                hold.hand.holds.remove(hold)
                self.past.append(hold)
            return None
        assert is_open or rows() == before, "a late write was accepted"
        return answer

    def _is_open(self, hold: Hold) -> bool:
        """By the attempt's own row: the fence is not asked."""
        from jobs.models import Attempt

        mine = Attempt.objects.filter(step=hold.claim.step_id, number=hold.claim.attempt)
        return mine.filter(worker=hold.hand.post.worker, ended_at=None).exists()

    # -- time

    @deed(which=5)
    def let_time_pass(self, which: int) -> None:
        self.clock.pass_by((0.5, 6.0, 15.0, 60.0, 400.0)[which])

    @deed(which=4)
    def set_the_wall_clock(self, which: int) -> None:
        self.clock.wall += timedelta(seconds=(-3600, -5, 5, 3600)[which])

    @deed()
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
                history.append(["entry", *facts, told(entry.reason), when])
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


def play(seed: int, deeds: int = 40) -> list[list[Any]]:
    """The history of a world in which *seed* decides everything."""
    choose = random.Random(seed)
    state = random.getstate()
    random.seed(seed)  # delays
    world = World()
    try:
        for _ in range(deeds):
            names = [name for name in DEEDS if world.can(name)]
            [name] = choose.choices(names, [DEEDS[name].weight for name in names])
            sizes = DEEDS[name].sizes
            world.do(name, **{key: choose.randrange(size) for key, size in sizes.items()})
        unsettled = world.history()
        world.settle()
        return unsettled + world.history()
    finally:
        world.close()
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
