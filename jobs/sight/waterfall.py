"""When the steps of a page waited and ran: as bars on the time axis of their job."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max
from django.utils import timezone

from .. import database
from ..models import Attempt, Job, Need, Step
from ..statuses import CHARGED, Status, Verdict
from ..times import duration

ATTEMPTS_DRAWN = 20  # of a step: the newest

WAITING, QUEUED, BETWEEN = "waiting", "queued", "between"  # kinds of bars beside attempts
_SAYS = {
    WAITING: "waited for other steps",
    QUEUED: "waited for a worker",
    BETWEEN: "waited between attempts",
}
# Seconds between two marks of an axis; from a day on, any number of days.
INTERVALS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400),
)
MARKS = 5  # of an axis, about
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Axis:
    """The time of a job, from its launch to its end, or to the next mark after now.

    ``waterfall.js`` draws the same axis while time goes on; a test compares the two.
    """

    start: datetime
    end: datetime | None  # of the job
    now: datetime

    @property
    def elapsed(self) -> float:
        least = 0.01 if self.end else 1  # else the first second would have many axes
        return max(((self.end or self.now) - self.start).total_seconds(), least)

    @property
    def interval(self) -> float:
        """Seconds between two marks."""
        least = self.elapsed / MARKS
        days = math.ceil(least / INTERVALS[-1]) * INTERVALS[-1]
        return next((each for each in INTERVALS if each >= least), days)

    @property
    def span(self) -> float:
        """Seconds from one end to the other."""
        if self.end:
            return self.elapsed
        return (math.floor(self.elapsed / self.interval) + 1) * self.interval

    def place(self, at: datetime | None) -> float:
        """Where a moment is, in percent; None is now, or the end."""
        seconds = ((at or self.end or self.now) - self.start).total_seconds()
        return round(min(max(seconds / self.span, 0), 1) * 100, 3)

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Where the marks are, in percent, and what they say."""
        count = int(self.span / self.interval + 0.001)
        seconds = [number * self.interval for number in range(count + 1)]
        return [(round(each / self.span * 100, 3), _written(each)) for each in seconds]


@dataclass(frozen=True)
class Bar:
    """A time in which a step waited, or an attempt ran."""

    kind: str  # one of those above, or the status that an attempt looks like
    start: datetime
    end: datetime | None  # None: it lasts
    attempt: int = 0
    verdict: str = ""

    @property
    def says(self) -> str:
        """What it is, in words; how long, if it is over."""
        what = _SAYS.get(self.kind) or f"attempt {self.attempt}: {self.verdict or 'running'}"
        if self.end is None:
            return what
        took = duration((self.end - self.start).total_seconds())
        return f"{what} {'after ' if self.attempt else ''}{took}"


@dataclass(frozen=True)
class Bars:
    """The bars of a step, in order."""

    step: Step
    bars: list[Bar]
    earlier: int = 0  # attempts before those that are drawn

    @property
    def says(self) -> str:
        return ", ".join(bar.says for bar in self.bars) or "no attempt"

    @property
    def attempt(self) -> Bar | None:
        """The last attempt."""
        return next((bar for bar in reversed(self.bars) if bar.attempt), None)


def axis_of(job: Job) -> Axis:
    """The axis of a job, now."""
    return Axis(job.created_at, job.ended_at, timezone.now())


def bars_of(job: Job, steps: Sequence[Step]) -> list[Bars]:
    """The bars of these steps of a job, in the snapshot in progress."""
    attempts = _attempts(steps)
    ready = _ready([step.pk for step in steps if not step.waiting])
    start = job.created_at
    if job.key_number and job.key_since:
        start = max(start, job.key_since)  # when it got its key
    return [
        Bars(
            step,
            list(_bars(job, step, attempts.get(step.pk, []), ready.get(step.pk, start))),
            max(0, step.attempt - ATTEMPTS_DRAWN),
        )
        for step in steps
    ]


def _bars(job: Job, step: Step, attempts: list[Attempt], ready: datetime) -> Iterator[Bar]:
    if attempts and attempts[0].number == 1:
        first = attempts[0].started_at
        ready = min(ready, first)
        yield from _lasted(WAITING, job.created_at, ready)
        yield from _lasted(QUEUED, ready, first)
    elif step.status == Status.PENDING and not attempts:
        yield from _lasted(WAITING, job.created_at, None if step.waiting else ready)
        if not step.waiting:
            yield Bar(QUEUED, ready, None)
    before: Attempt | None = None
    for attempt in attempts:
        if before and before.ended_at:
            yield from _lasted(BETWEEN, before.ended_at, attempt.started_at)
        yield Bar(
            _look(attempt),
            attempt.started_at,
            attempt.ended_at,
            attempt.number,
            attempt.verdict,
        )
        before = attempt
    if before and before.ended_at and step.status == Status.PENDING:
        yield Bar(BETWEEN, before.ended_at, None)


def _lasted(kind: str, start: datetime, end: datetime | None) -> Iterator[Bar]:
    if end is None or end > start:
        yield Bar(kind, start, end)


def _look(attempt: Attempt) -> str:
    """The status whose colour and sign an attempt has."""
    if not attempt.verdict:
        return Status.RUNNING
    if attempt.verdict == Verdict.RETURNED:
        return Status.SUCCEEDED
    return Status.FAILED if attempt.verdict in CHARGED else Status.CANCELLED


def _attempts(steps: Sequence[Step]) -> dict[int, list[Attempt]]:
    """The newest attempts of each step, oldest first."""
    begun = [step.pk for step in steps if step.attempt]
    if not begun:
        return {}
    sql = f"""
        SELECT a.id, a.step_id, a.number, a.started_at, a.ended_at, a.verdict
        FROM truestep_attempt AS a JOIN truestep_step AS s ON s.id = a.step_id
        WHERE s.id IN ({database.placeholders(begun)}) AND a.number > s.attempt - %s
        ORDER BY a.number
    """
    found: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.raw(sql, [*begun, ATTEMPTS_DRAWN]):
        found.setdefault(attempt.step_id, []).append(attempt)
    return found


def _ready(steps: list[int]) -> dict[int, datetime]:
    """When the last dependency of each of these steps ended, of those that have any."""
    ended = Need.objects.filter(step__in=steps, needed__attempts__number=F("needed__attempt"))
    return dict(ended.values_list("step").annotate(Max("needed__attempts__ended_at")))


def _written(seconds: float) -> str:
    """A moment of an axis: ``0``, ``50 ms``, ``1 min 30 s``."""
    if not seconds:
        return "0"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds % 1:
        return f"{seconds:.3g} s"
    parts, rest = [], round(seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)
