"""The processes of a chaos run, what is done to them, and whether everything adds up at the end."""

from __future__ import annotations

import os
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from jobs import audit, database
from jobs.models import Attempt, Job, LogChunk, Step, Transition
from jobs.orchestrator import cancel, launch, retry
from jobs.sight.as_json import entry_as_json
from jobs.statuses import UNFINISHED, Kind, Status, Verdict
from jobs.system import processes
from tests.chaos import KINDS, Event
from tests.faults.pages import Watchers
from tests.faults.processes import carrying
from tests.support import Program, wait_for

WORKERS = 3
LEASE = 3.0  # as in tests.faults.chaos_settings
OVERLAP = 1.0  # seconds that an attempt may overlap the next one before it is ended
LEAP = 1.0  # seconds that the clock may jump, at most
STUCK = 60.0  # seconds without a job that ends, after the last event
RUN = uuid.uuid4().hex  # by which every process of this run is known


@dataclass
class KeptRunning:
    """A command that is started again whenever it has ended."""

    name: str
    arguments: list[str]
    say: Callable[[str], None]
    program: Any = None
    start_at: float = 0.0

    def keep_running(self) -> None:
        now = time.monotonic()
        if self.program and self.program.process.poll() is not None:
            if (code := self.program.process.returncode) != -signal.SIGKILL:
                self.say(f"{self.name} ended by itself, code {code}: {self.program.errors[-3:]}")
            self.program, self.start_at = None, now + 0.2
        if self.program is None and now >= self.start_at:
            settings = os.environ["DJANGO_SETTINGS_MODULE"]
            env = {"DJANGO_SETTINGS_MODULE": settings, "TRUESTEP_CHAOS": RUN}
            self.program = Program(*self.arguments, env=env)

    @property
    def is_up(self) -> bool:
        return bool(self.program and any(self.program.lines))

    def family(self) -> list[Any]:
        """The process and its children, in the order they were started."""
        with suppress(psutil.NoSuchProcess, AttributeError):  # it has not started
            top = psutil.Process(self.program.process.pid)
            return [top, *top.children(recursive=True)]
        return []


class ChaosRun:
    """The processes of a run, and what is done to them."""

    def __init__(self, directory: Path, server: Any, say: Callable[[str], None]) -> None:
        self.say = say
        self._server = server
        self._marks = directory / "marks"
        self._marks.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.workers = [KeptRunning(f"worker {n}", ["worker"], say) for n in range(WORKERS)]
        self.web = KeptRunning("web", ["serve", "--no-worker", "--port", str(self.port)], say)
        self.pages: list[Any] = []
        self._frozen: list[tuple[float, list[Any]]] = []  # until when
        self._launched: list[int] = []
        self._waiting: list[Callable[[], Any]] = []  # until the database is there again
        self.left = 0  # jobs that have not ended
        self.done: Counter[str] = Counter()

    def open_pages(self, count: int, stack: ExitStack) -> None:
        self.pages = stack.enter_context(Watchers(f"http://127.0.0.1:{self.port}", count)).pages

    # -- the play

    def carry_out(self, events: list[Event]) -> None:
        def is_ready() -> bool:
            self.tend()
            return all(command.is_up for command in (*self.workers, self.web))

        wait_for(is_ready, 120, "workers and web server are up")
        played, looked_at = 0.0, time.monotonic()
        for event in events:
            self.tend()
            while played < event.at:
                time.sleep(0.01)
                self.tend()
                # Time stops while no worker runs, so that a slow machine plays the same;
                # nor does it make up for what held this process up, all at once.
                now = time.monotonic()
                is_worked = any(command.is_up for command in self.workers)
                played += min(now - looked_at, LEAP) * is_worked
                looked_at = now
            getattr(self, event.what)(event)
        self.say(f"the last event; done: {dict(self.done)}")

    def tend(self) -> None:
        """Start what has ended, thaw what was frozen long enough, look at the pages."""
        now = time.monotonic()
        for until, frozen in list(self._frozen):
            if now >= until:
                self._frozen.remove((until, frozen))
                for process in frozen:
                    _signal(process, signal.SIGCONT)
        for command in (*self.workers, self.web):
            command.keep_running()
        if self._waiting and self._tries(self._waiting[0]):
            self._waiting.pop(0)
        for page in self.pages:
            page.tend(self._launched)

    def launch(self, event: Event) -> None:
        params = {"marks": str(self._marks)}
        self._when_possible(lambda: self._launched.append(launch(event.detail, params).pk))

    def cancel(self, event: Event) -> None:
        if job := self._recent(event.chance):
            self._when_possible(lambda: cancel(job, actor="chaos"))

    def retry(self, event: Event) -> None:
        if job := self._recent(event.chance, among=60):
            self._when_possible(lambda: retry(job, actor="chaos", why="chance"))

    def _recent(self, chance: float, among: int = 8) -> int | None:
        """One of the last jobs: it may still run."""
        jobs = self._launched[-among:]
        return jobs[int(chance * len(jobs))] if jobs else None

    def _when_possible(self, act: Callable[[], Any]) -> None:
        """Now, or when the database is there again; in the order of the plan."""
        self._waiting.append(act)
        while self._waiting and self._tries(self._waiting[0]):
            self._waiting.pop(0)

    def _tries(self, act: Callable[[], Any]) -> bool:
        try:
            act()
        except database.DATABASE_ERRORS as error:
            self.say(f"not now: {str(error).splitlines()[0]}")
            connection.close()
            return False
        return True

    def kill(self, event: Event) -> None:
        if event.detail == "postgresql":
            self._server.restart()
        elif event.detail == "postgresql session":
            self._server.kill_a_session(event.chance)
        else:
            targets = self._await(event.detail)
            target = targets[int(event.chance * len(targets))]
            self.say(f"kill {event.detail} {target.pid}")
            _signal(target, signal.SIGKILL)
        self.done[f"killed {event.detail}"] += 1

    def _await(self, what: str) -> list[Any]:
        """Processes of a kind that live, as soon as there are any. Slots come and go: any slot, or
        the worker that would have had one.
        """
        while not (targets := self._targets(what) or self._targets("worker" * (what == "slot"))):
            self.tend()
            time.sleep(0.01)
        return targets

    def _targets(self, what: str) -> list[Any]:
        if what in ("web", "web server"):
            return self.web.family()[what == "web server" :][:1]
        families = [
            family for command in self.workers if command.is_up and (family := command.family())
        ]
        match what:
            case "worker":
                return [family[0] for family in families]
            case "fork server":
                return [family[1] for family in families if len(family) > 1]
            case "slot":
                return [process for family in families for process in family[2:]]
        return []

    def freeze(self, event: Event) -> None:
        targets = self._await("worker")
        worker = targets[int(event.chance * len(targets))]
        family = [worker, *processes.descendants(worker.pid)]
        chosen = family[:1] if event.detail == "worker" else family
        self.say(f"freeze {event.detail} {worker.pid}")
        for process in chosen:
            _signal(process, signal.SIGSTOP)
        self._frozen.append((time.monotonic() + 1.5 * LEASE, chosen))
        self.done[f"froze {event.detail}"] += 1

    # -- the judgement

    def problems(self) -> Iterator[str]:
        """A sentence for each thing that does not hold."""
        yield from self._stuck()
        yield from self._wrong_pages()
        yield from self._left_over()
        self.end()
        yield from self._left_over()
        yield from self._wrong_rows()

    def _stuck(self) -> Iterator[str]:
        unfinished = Job.objects.filter(status__in=UNFINISHED)
        moved_at = time.monotonic()
        left = -1
        while left or self._frozen or self._waiting:
            self.tend()
            if self._tries(lambda: setattr(self, "left", unfinished.count())) and self.left != left:
                left, moved_at = self.left, time.monotonic()
            if time.monotonic() > moved_at + STUCK:
                break
            time.sleep(0.05)
        self.say(f"{left} jobs have not ended")
        stuck = list(unfinished)
        for job in stuck:
            statuses = dict(job.steps.values_list("name", "status"))
            yield f"job {job.pk} ({job.definition}) is stuck: {statuses}"

    def _wrong_pages(self) -> Iterator[str]:
        for page in self.pages:
            yield from page.differences(self.tend)
        if self.pages:
            self.say(
                f"pages that were compared with the rows: {sum(p.compared for p in self.pages)}"
            )

    def _left_over(self) -> Iterator[str]:
        """Processes of the run that belong to none of those that are alive."""
        deadline = time.monotonic() + 5
        while True:
            commands = (*self.workers, self.web)
            mine = {process.pid for command in commands for process in command.family()}
            orphans = set(carrying("TRUESTEP_CHAOS", RUN)) - mine
            if not orphans or time.monotonic() > deadline:
                break
            self.tend()
            time.sleep(0.1)
        for orphan in orphans:
            yield f"process {orphan} belongs to no worker any more"

    def _wrong_rows(self) -> Iterator[str]:
        yield from audit.differences()
        if missing := set(self._launched) - set(Job.objects.values_list("pk", flat=True)):
            yield f"jobs {missing} were launched and are not there"
        for job in Job.objects.all():
            allowed = {KINDS[job.definition][1]}
            if job.journal.filter(kind=Kind.REQUEST, reason="cancel").exists():
                allowed.add("cancelled")
            if job.status not in allowed:
                journal = [entry_as_json(entry) for entry in job.journal.order_by("seq")]
                yield f"{job} is {job.status}, not one of {allowed}; its journal: {journal}"
        returned = Counter(
            Attempt.objects.filter(verdict=Verdict.RETURNED).values_list("step_id", flat=True)
        )
        successes = Counter(
            Transition.objects.filter(step__isnull=False, to_status=Status.SUCCEEDED).values_list(
                "step_id", flat=True
            )
        )
        last_attempt: dict[int, int] = {}
        for chunk in LogChunk.objects.order_by("step", "first").only("step", "attempt"):
            if chunk.attempt < last_attempt.get(chunk.step_id, 0):
                yield f"step {chunk.step_id}: lines of attempt {chunk.attempt} came late"
            last_attempt[chunk.step_id] = chunk.attempt
        overlaps = [0.0]
        for step in Step.objects.select_related("job"):
            expected = int(step.status == Status.SUCCEEDED)
            for what, counted in (("returned", returned), ("succeeded", successes)):
                if counted[step.pk] != expected:
                    yield f"{step} is {step.status} and has {what} {counted[step.pk]} times"
            yield from self._wrong_marks(step, overlaps)
        late = Transition.objects.filter(kind=Kind.NOTE, reason__contains="was refused").count()
        verdicts = Counter(Attempt.objects.values_list("verdict", flat=True))
        self.say(
            f"{Job.objects.count()} jobs, {sum(verdicts.values())} attempts {dict(verdicts)}, "
            f"{late} late writes refused, longest overlap {max(overlaps):.3f} s"
        )

    def _wrong_marks(self, step: Any, overlaps: list[float]) -> Iterator[str]:
        """Did the attempts of a step run one after another, and only once each?"""
        runs = []
        for attempt in range(1, step.attempt + 1):
            path = self._marks / f"{step.job.uuid}.{step.name}.{attempt}"
            if Path(f"{path}.twice").exists():
                yield f"{step}: attempt {attempt} ran twice"
            if path.exists():
                marks = [line.split() for line in path.read_text().splitlines()]
                runs.append((attempt, [float(mark[1]) for mark in marks if len(mark) == 2], marks))
        for (number, times, _), (following, later, _) in pairwise(runs):
            beside = [moment for moment in times if later and moment > later[0]]
            if beside:
                overlaps.append(beside[-1] - beside[0])
                self.say(
                    f"{step}: attempt {number} went on {overlaps[-1]:.3f} s beside {following}"
                )
                if overlaps[-1] > OVERLAP:
                    yield f"{step}: attempts {number} and {following} ran side by side"
        if step.status == "succeeded" and not (runs and runs[-1][2][-1][0] == "end"):
            yield f"{step} has succeeded and its last attempt did not run to its end"

    def end(self) -> None:
        for _, frozen in self._frozen:
            for process in frozen:
                _signal(process, signal.SIGCONT)
        self._frozen = []
        for command in (*self.workers, self.web):
            if command.program:
                command.program.end()
                command.program = None


def _signal(process: Any, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
