"""How long the steps of a definition ran in its last jobs.

They are read from the newest jobs that succeeded or failed, by the index of definition and status,
so a long history costs no more than a short one. A process remembers them for a while, with the
time: at each tick, each feed asks for them.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from statistics import median
from typing import Any

from django.utils import timezone

from .. import database
from ..models import Job
from ..statuses import Status

RUNS = 50  # of a step: the newest ones that succeeded
FEWEST_RUNS = 5  # of fewer, nothing is said
MOST_READ = 5000  # steps of jobs that succeeded, and as many of those that failed
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 100  # definitions

_ENDED = (Status.SUCCEEDED, Status.FAILED)
# In words that leave PostgreSQL one plan, whatever its statistics say: one index has this order.
_ITS_STEPS = f"""
    WHERE (s.job_id, s.position) >= (ended.id, 0) AND (s.job_id, s.position) < (ended.id + 1, 0)
    ORDER BY s.job_id, s.position LIMIT {MOST_READ}
"""


@dataclass(frozen=True)
class RunTimes:
    """The run times of a step in seconds, in ascending order."""

    seconds: tuple[float, ...]

    @property
    def typical(self) -> float:
        """The median, p50."""
        return median(self.seconds)

    @property
    def longest_usual(self) -> float:
        """As long as 19 of 20 runs took at most, p95."""
        return self.seconds[math.ceil(0.95 * len(self.seconds)) - 1]

    def left(self, elapsed: float) -> float | None:
        """The median of what runs that took longer than *elapsed* still took; None: none did."""
        longer = self.seconds[bisect_right(self.seconds, elapsed) :]
        return median(longer) - elapsed if longer else None


@dataclass(frozen=True)
class LastRuns:
    """The run times of each step of a definition that has run often enough, by its name."""

    steps: dict[str, RunTimes]
    read_at: datetime


_remembered: dict[str, tuple[float, LastRuns]] = {}  # by definition; when: in monotonic seconds


def last_runs(job: Job) -> LastRuns:
    """Those of the job's definition, as they are remembered."""
    now = time.monotonic()
    at, found = _remembered.get(job.definition, (-math.inf, None))
    if found is None or now - at >= REMEMBERED_SECONDS:
        found = LastRuns(_read(job), timezone.now())
        _remembered.pop(job.definition, None)
        _remembered[job.definition] = (now, found)
        for oldest in list(_remembered)[:-MOST_REMEMBERED]:
            _remembered.pop(oldest, None)  # another thread may have been faster
    return found


def _read(job: Job) -> dict[str, RunTimes]:
    most = min(RUNS, MOST_READ // _width(job.pk))
    if most < FEWEST_RUNS:
        return {}
    runs: dict[str, list[float]] = {}
    for name, seconds in _newest_runs(job.definition, most):
        its = runs.setdefault(name, [])
        if seconds is not None and len(its) < RUNS:
            its.append(max(0.0, float(seconds)))  # a clock was set back
    return {
        name: RunTimes(tuple(sorted(its))) for name, its in runs.items() if len(its) >= FEWEST_RUNS
    }


def _width(job_id: int) -> int:
    """How many steps a job has: the last entry of an index before the next job."""
    sql = """
        SELECT position + 1 FROM truestep_step WHERE (job_id, position) < (%s, 0)
        ORDER BY job_id DESC, position DESC LIMIT 1
    """
    [(width,)] = database.rows(sql, job_id + 1)
    return int(width)


def _newest_runs(definition: str, most: int) -> list[tuple[str, float | None]]:
    """The name and the seconds of each step that succeeded, of the newest jobs first.

    They are those of the newest *most* jobs that succeeded, and of as many that failed.
    """
    jobs, params = zip(*(_newest_jobs(definition, status, most) for status in _ENDED), strict=True)
    dialect = database.dialect()
    sql = f"""
        SELECT s.name, (
            SELECT {dialect.seconds_between("a.started_at", "a.ended_at")}
            FROM truestep_attempt AS a WHERE (a.step_id, a.number) >= (s.id, s.attempt)
            ORDER BY a.step_id, a.number LIMIT 1
        )
        FROM ({" UNION ALL ".join(jobs)}) AS ended
        {dialect.join_selected("truestep_step", "s", _ITS_STEPS)}
        WHERE s.status || '' = '{Status.SUCCEEDED}'
        ORDER BY ended.id DESC
    """
    return database.rows(sql, *chain(*params))


def _newest_jobs(definition: str, status: Status, most: int) -> tuple[str, list[Any]]:
    columns = {"definition": definition, "status": str(status)}
    newest = database.dialect().newest(columns, database.HIGHEST_ID)
    sql = f"SELECT id FROM truestep_job WHERE {newest.condition} ORDER BY {newest.order} LIMIT %s"
    return f"SELECT id FROM ({sql}) AS {status}", [*newest.params, most]
