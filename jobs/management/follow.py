"""Tell a job's news on the terminal: as a tree that is drawn anew, or line by line."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from .. import database, logs
from ..models import Job, Step, Transition
from ..sight.as_json import entry_as_json
from ..sight.positions import position_of
from ..sight.steps import STEPS_SHOWN, pulse
from ..sight.waiting import Facts, read_workers
from ..statuses import TERMINAL, Kind, Status
from ..templatetags.truestep import asked, params
from ..templatetags.truestep import why as said
from ..times import duration, zone
from .tree import SIGNS, Picture, plain, tracebacks_of

PAUSE_SECONDS = 0.02  # of who asks a follower again
LOOK_SECONDS = 0.05
DRAW_SECONDS = 0.1
CLOCK_SECONDS = 1.0  # elapsed times, and what no journal entry tells of the workers


class Follower(ABC):
    """Shows what is new in one job each time it is asked."""

    status: Status = Status.PENDING  # of the job, as it was shown last

    @abstractmethod
    def is_over(self) -> bool:
        """Show the news, at most every so often; True once the job has ended and all is told."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Say something that is not about the job's rows."""

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was; harmless to repeat."""


class Drawn(Follower):
    """A tree in the terminal, drawn anew in place; in the end it is printed whole, and stays."""

    def __init__(self, job_id: int, console: Console) -> None:
        self._job_id = job_id
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._next_look = self._next_clock = 0.0
        self._shown: object = None
        self._workers: Facts | None = None

    def is_over(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + DRAW_SECONDS
        with database.snapshot():
            mark = (position_of(self._job_id), pulse(self._job_id), self._console.size)
            if now >= self._next_clock:
                self._next_clock = now + CLOCK_SECONDS
                self._workers = read_workers(self._job_id)
            elif mark == self._shown:
                return False
            picture = Picture(self._job_id, self._console.height, self._workers)
        self._shown = mark
        self.status = Status(picture.job.status)
        self._live.update(picture.drawn(self._console, self._console.height - 1), refresh=True)
        if not picture.job.is_finished:
            return False
        whole = whole_of(self._job_id, self._console)  # before the tree that stands there is taken
        self.close()
        self._console.print(whole)
        return True

    def say(self, text: str) -> None:
        self._console.print(text, style="yellow", markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()


def whole_of(job_id: int, console: Console) -> Group:
    """All that there is to print of a job as it is now. Raises Job.DoesNotExist."""
    with database.snapshot():
        picture = Picture(job_id, STEPS_SHOWN, read_workers(job_id))
        told = "\n".join(f"{name}: {words}" for name, words in params(picture.job))
        drawn = [picture.drawn(console), *([Text(told)] if told else ())]
        return Group(*drawn, tracebacks_of(job_id))


class Lines(Follower):
    """A line for each journal entry and each log line; or only entries, as JSON."""

    def __init__(
        self,
        job_id: int,
        write: Callable[[str], None],
        complain: Callable[[str], None],
        as_json: bool,
    ) -> None:
        self.job_id = job_id
        self._print = write
        self._complain = complain
        self._lines: list[str] = []
        self._as_json = as_json
        self._seq = 0
        self._told: dict[int, int] = {}  # step → log lines already printed
        self._started: dict[int, Transition] = {}
        self._day = ""  # as it was told last
        self._late: Facts = {}  # step → the warning of its worker's silence
        self._next_look = self._next_clock = 0.0

    def is_over(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        with database.snapshot():
            job = Job.objects.get(pk=self.job_id)
            entries = list(
                Transition.objects.filter(job=job, seq__gt=self._seq)
                .select_related("step")
                .order_by("seq")
            )
            for entry in entries:
                self._tell(job, entry)
            if not self._as_json:
                for step in Step.objects.running().filter(job=job):
                    self._tell_log(step)
                if now >= self._next_clock:
                    self._next_clock = now + CLOCK_SECONDS
                    self._tell_late()
        self._seq, self.status = job.seq, Status(job.status)
        lines, self._lines = self._lines, []
        for line in lines:  # outside the snapshot: a pager may keep us waiting
            self._print(line)
        return job.is_finished

    def say(self, text: str) -> None:
        self._complain(text)

    def close(self) -> None:
        """Lines leave nothing to restore."""

    def _write(self, line: str) -> None:
        self._lines.append(line)

    def _tell_day(self, at: datetime) -> None:
        """The date and the zone that the times below are in, whenever one of them is another."""
        day = f"{at.astimezone():%Y-%m-%d}, times in {zone(at)}"
        if day != self._day:
            self._day = day
            self._write(day)

    def _tell(self, job: Job, entry: Transition) -> None:
        if self._as_json:
            self._write(json.dumps(entry_as_json(entry)))
            return
        ran = entry.step if entry.from_status == Status.RUNNING else None
        if ran:
            self._tell_log(ran)
        sign = SIGNS.get(Status(entry.to_status), " ") if entry.to_status else "!"
        what = entry.step.name if entry.step else f"job {job.pk} {job.definition}"
        self._line(entry.at, sign, what, self._words(entry))
        if ran and entry.to_status == Status.FAILED:
            self._tell_error(ran)

    def _words(self, entry: Transition) -> str:
        by = f" by {entry.actor}" if entry.actor else ""
        match entry.kind:
            case Kind.BIRTH:
                return f"{asked(entry)}{by}: {said(entry)}".removesuffix(": ")
            case Kind.REQUEST:
                return f"{asked(entry)} requested{by}: {said(entry)}".removesuffix(": ")
            case Kind.NOTE:
                return str(entry.words)
        key = entry.step_id or 0
        if entry.to_status == Status.RUNNING:
            self._started[key] = entry
            return "running"
        took = ""
        if key in self._started and entry.to_status in TERMINAL:
            seconds = (entry.at - self._started[key].at).total_seconds()
            took = f" after {duration(seconds)}"
        why = "" if entry.to_status == Status.SUCCEEDED else f" ({entry.words})"
        return f"{entry.to_status}{took}{why}"

    def _tell_log(self, step: Step) -> None:
        while lines := logs.read(step.pk, self._told.get(step.pk, 0) + 1, 1000):
            for line in lines:
                self._line(datetime.fromtimestamp(line.at / 1000, UTC), "│", step.name, line.text)
            self._told[step.pk] = lines[-1].number

    def _tell_late(self) -> None:
        """What is about to be decided of steps whose worker shows no sign of life, once each."""
        late: Facts = (read_workers(self.job_id) or {"late": {}})["late"]
        for step in Step.objects.running().filter(pk__in=late.keys() | self._late.keys()):
            words = late.get(str(step.pk))
            if words != self._late.get(str(step.pk)):
                said = plain(words) if words else "its worker sends heartbeats again"
                self._line(datetime.now(UTC), "!", step.name, said)
        self._late = late

    def _tell_error(self, step: Step) -> None:
        attempt = step.attempts.order_by("number").last()
        for text in (attempt.traceback or attempt.error).splitlines() if attempt else ():
            self._line(None, "│", step.name, text)

    def _line(self, at: datetime | None, sign: str, what: str, words: str) -> None:
        if at:
            self._tell_day(at)
        clock = f"{at.astimezone():%H:%M:%S}" if at else " " * 8
        self._write(f"{clock} {sign} {what:<24} {words}")
