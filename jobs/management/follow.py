"""Follow a job on the terminal: as a tree that is redrawn in place, or line by line."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from operator import attrgetter

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from .. import database, logs
from ..code_version import short
from ..models import Job, Step, Transition
from ..sight.as_json import entry_as_json
from ..sight.failures import error_of_attempt
from ..sight.positions import position_of
from ..sight.steps import STEPS_SHOWN, pulse
from ..sight.waiting import Facts, read_workers
from ..statuses import TERMINAL, Kind, Status
from ..templatetags.truestep import asked, params
from ..templatetags.truestep import why as said
from ..times import duration, zone
from .tree import SIGNS, JobTree, plain, tracebacks_of

PAUSE_SECONDS = 0.02  # between two calls of ``is_over``
READ_SECONDS = 0.05  # between two reads
REDRAW_SECONDS = 0.1
CLOCK_SECONDS = 1.0  # between two looks at the clock and at the workers


class Follower(ABC):
    """Shows what is new in one job whenever ``is_over`` is called."""

    status: Status = Status.PENDING  # of the job, as it was last shown

    @abstractmethod
    def is_over(self) -> bool:
        """Show what is new, at most every so often; True once the job has ended and is shown."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show a message about something else than the job."""

    @abstractmethod
    def close(self) -> None:
        """Restore the terminal; harmless to repeat."""


class TreeFollower(Follower):
    """A tree that is redrawn in place; when the job has ended, it is printed whole and stays."""

    def __init__(self, job_id: int, console: Console) -> None:
        self._job_id = job_id
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._next_read = self._next_clock = 0.0
        self._shown: object = None
        self._workers: Facts | None = None

    def is_over(self) -> bool:
        now = time.monotonic()
        if now < self._next_read:
            return False
        self._next_read = now + REDRAW_SECONDS
        with database.snapshot():
            now_shown = position_of(self._job_id), pulse(self._job_id), self._console.size
            if now >= self._next_clock:
                self._next_clock = now + CLOCK_SECONDS
                self._workers = read_workers(self._job_id)
            elif now_shown == self._shown:
                return False
            tree = JobTree(self._job_id, self._console.height, self._workers)
        self._shown = now_shown
        self.status = Status(tree.job.status)
        self._live.update(tree.render(self._console, self._console.height - 1), refresh=True)
        if not tree.job.is_finished:
            return False
        whole = whole_of(self._job_id, self._console)  # before the shown tree is removed
        self.close()
        self._console.print(whole)
        return True

    def say(self, text: str) -> None:
        self._console.print(text, style="yellow", markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()


def whole_of(job_id: int, console: Console) -> Group:
    """Everything to print of a job: its tree, parameters and errors. Raises Job.DoesNotExist."""
    with database.snapshot():
        tree = JobTree(job_id, STEPS_SHOWN, read_workers(job_id))
        facts = [f"{name}: {value}" for name, value in params(tree.job)]
        if version := tree.job.code_version:
            facts.append(f"code version {short(version)}")
        texts = "\n".join(facts)
        shown = [tree.render(console), *([Text(texts)] if texts else ())]
        return Group(*shown, tracebacks_of(job_id))


class LineFollower(Follower):
    """A line for each journal entry and each log line; or a JSON line for each entry alone."""

    def __init__(
        self,
        job_id: int,
        write: Callable[[str], None],
        warn: Callable[[str], None],
        as_json: bool,
    ) -> None:
        self.job_id = job_id
        self._print = write
        self._warn = warn
        self._lines: list[str] = []
        self._as_json = as_json
        self._seq = 0
        self._printed: dict[int, int] = {}  # step → number of its last printed log line
        self._started: dict[int, Transition] = {}
        self._day = ""  # the last one that was printed
        self._late: Facts = {}  # step → the warning that its worker sends no heartbeat
        self._next_read = self._next_clock = 0.0

    def is_over(self) -> bool:
        now = time.monotonic()
        if now < self._next_read:
            return False
        self._next_read = now + READ_SECONDS
        with database.snapshot():
            job = Job.objects.get(pk=self.job_id)
            entries = Transition.objects.filter(job=job, seq__gt=self._seq).select_related("step")
            for entry in list(entries.order_by("seq")):
                self._write_entry(job, entry)
            if not self._as_json:
                for step in Step.objects.running().filter(job=job):
                    self._write_log(step)
                if now >= self._next_clock:
                    self._next_clock = now + CLOCK_SECONDS
                    self._write_late()
        self._seq, self.status = job.seq, Status(job.status)
        lines, self._lines = self._lines, []
        for line in lines:  # outside the snapshot, because a pager may delay it
            self._print(line)
        return job.is_finished

    def say(self, text: str) -> None:
        self._warn(text)

    def close(self) -> None:
        """There is nothing to restore."""

    def _write(self, line: str) -> None:
        self._lines.append(line)

    def _write_day(self, at: datetime) -> None:
        """The date and the time zone of the lines below, whenever they change."""
        day = f"{at.astimezone():%Y-%m-%d}, times in {zone(at)}"
        if day != self._day:
            self._day = day
            self._write(day)

    def _write_entry(self, job: Job, entry: Transition) -> None:
        if self._as_json:
            self._write(json.dumps(entry_as_json(entry)))
            return
        ran = entry.step if entry.from_status == Status.RUNNING else None
        if ran:
            self._write_log(ran)
        sign = SIGNS.get(Status(entry.to_status), " ") if entry.to_status else "!"
        what = entry.step.name if entry.step else f"job {job.pk} {job.definition}"
        self._line(entry.at, sign, what, self._words(entry))
        if ran and entry.to_status == Status.FAILED:
            for text in error_of_attempt(ran.pk, entry.attempt).splitlines():
                self._line(None, "│", ran.name, text)

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

    def _write_log(self, step: Step) -> None:
        while lines := logs.read(step.pk, self._printed.get(step.pk, 0) + 1, 1000):
            for line in filter(attrgetter("is_shown"), lines):
                at = datetime.fromtimestamp(line.at / 1000, UTC)
                for row in line.text.split("\n"):
                    self._line(at, "│", step.name, row)
            self._printed[step.pk] = lines[-1].number

    def _write_late(self) -> None:
        """Warnings about steps whose worker sends no heartbeat, each once, and the end of each."""
        late: Facts = (read_workers(self.job_id) or {"late": {}})["late"]
        for step in Step.objects.running().filter(pk__in=late.keys() | self._late.keys()):
            words = late.get(str(step.pk))
            if words != self._late.get(str(step.pk)):
                said = plain(words) if words else "its worker sends heartbeats again"
                self._line(datetime.now(UTC), "!", step.name, said)
        self._late = late

    def _line(self, at: datetime | None, sign: str, what: str, words: str) -> None:
        if at:
            self._write_day(at)
        clock = f"{at.astimezone():%H:%M:%S}" if at else " " * 8
        self._write(f"{clock} {sign} {what:<24} {words}")
