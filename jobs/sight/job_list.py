"""What a list shows: some jobs, by filter and position or by id, and a mark of how they look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from .. import database, workers
from ..models import Job, JobQuerySet
from ..statuses import JOB_STATUSES, UNFINISHED
from ..text import clean
from .steps import FIRST_PART, STEPS_SHOWN, Part

PAGE_SIZE = 50
MOST_ROWS = 500
MOST_COUNTED = 10_000
DIGEST = 8  # characters

Row = tuple[int, str, int]  # id, status, seq
# What cells of a page show: their ids, and the status and seq in each.
Cells = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Window:
    """A page of the list. Equal windows share one reader."""

    status: str = ""
    definition: str = ""
    before: int | None = None  # jobs older than this one

    cells_tell_all = False  # new jobs come, and each status is counted

    @classmethod
    def of(cls, query: QueryDict) -> Window:
        """The window that a query string asks for. Raises ValueError when it means nothing."""
        before = query.get("before") or None
        if before is not None and not (before.isdecimal() and len(before) < 19):
            raise ValueError(f"before={before} is not the number of a job.")
        return cls(
            status=clean(query.get("status", "")),
            definition=clean(query.get("definition", "")),
            before=int(before) if before else None,
        )

    def jobs(self) -> JobQuerySet:
        """One job more than a page holds: whether there is an older page."""
        jobs = Job.objects.newest_first()
        if self.status:
            jobs = jobs.filter(status=self.status)
        if self.definition:
            jobs = jobs.filter(definition=self.definition)
        if self.before is not None:
            jobs = jobs.filter(pk__lt=self.before)
        return jobs[: PAGE_SIZE + 1]

    def mark(self) -> str:
        """Equal for equal pages."""
        return self.look()[0]

    def look(self) -> tuple[str, Cells]:
        """The mark, and the status in each row, from one snapshot."""
        with database.snapshot():
            rows = list(self.jobs().values_list("pk", "status", "seq"))
            counted = counts()
            shown = rows, sorted(counted.items()), nobody_works(counted)
            return _mark(_statuses(rows), *shown), _cells("job", rows[:PAGE_SIZE])


@dataclass(frozen=True)
class Rows:
    """Some jobs by their ids, as a page of the admin shows them."""

    ids: tuple[int, ...]
    whole: bool = False  # the page shows their steps, too

    cells_tell_all = True  # of the statuses

    @classmethod
    def of(cls, query: QueryDict) -> Rows:
        """The rows of ``?ids=1,2,3``. Raises ValueError when that is no list of numbers."""
        given = query.get("ids", "").split(",")
        if len(given) > MOST_ROWS or not all(id_.isdecimal() and len(id_) < 19 for id_ in given):
            raise ValueError(f"ids takes at most {MOST_ROWS} numbers of jobs.")
        return cls(tuple(map(int, given)), whole="whole" in query)

    def query(self) -> str:
        """The query string that ``of`` reads."""
        return f"ids={','.join(map(str, self.ids))}" + ("&whole" if self.whole else "")

    def mark(self) -> str:
        """Equal for equal pages."""
        return self.look()[0]

    def look(self) -> tuple[str, Cells]:
        """The mark, and the status in each cell, from one snapshot."""
        with database.snapshot():
            ids = database.placeholders(self.ids)
            sql = f"SELECT id, status, seq FROM truestep_job WHERE id IN ({ids}) ORDER BY id"
            rows = database.rows(sql, *self.ids)
            if not self.whole:
                return rows_mark(rows), _cells("job", rows)
            sql = f"""
                SELECT id, status, seq, log_lines FROM truestep_step
                WHERE job_id IN ({ids}) AND position < %s ORDER BY id
            """
            shown = database.rows(sql, *self.ids, FIRST_PART.end)
            step_rows = [row[:3] for row in shown]
            # A step also says something without a journal entry.
            mark = _mark(_statuses(rows) + _statuses(step_rows), rows, shown)
            return mark, _cells("job", rows) | _cells("step", step_rows)


def window_of(query: QueryDict) -> Window | Rows:
    """What a page asks to watch. Raises ValueError when it means nothing."""
    return Rows.of(query) if "ids" in query else Window.of(query)


def part_of(query: QueryDict) -> Part:
    """The steps of a job that a page shows: ``?from=`` and a position. Raises ValueError."""
    first = query.get("from") or "0"
    if not (first.isdecimal() and len(first) < 10):
        raise ValueError(f"from={first} is not the position of a step.")
    return Part(int(first) - int(first) % STEPS_SHOWN)


def rows_mark(rows: Sequence[Row]) -> str:
    """The mark of jobs that look like this."""
    return _mark(_statuses(rows), rows)


def _mark(statuses: list[tuple[int, str]], *more: object) -> str:
    """Two digests: of the statuses that a page shows, and of all by which it can be out of date."""
    return _digest(statuses) + _digest(*more)


def _statuses(rows: Sequence[Row]) -> list[tuple[int, str]]:
    return [(pk, status) for pk, status, _ in rows]


def _cells(kind: str, rows: Sequence[Row]) -> Cells:
    return {f"{kind}-{pk}": (status, seq) for pk, status, seq in rows}


def has_moved(old: str, new: str) -> bool:
    """Whether a page of the one mark shows a status that is not so any more."""
    return old[:DIGEST] != new[:DIGEST]


def _digest(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:DIGEST]


def nobody_works(counted: dict[str, int]) -> bool:
    """Whether there are jobs that no living worker takes; some work for one job alone."""
    unfinished = sum(counted[status] for status in JOB_STATUSES if status in UNFINISHED)
    if not unfinished:
        return False
    taken = {worker.only_job_id for worker in workers.living()}
    return None not in taken and unfinished > len(taken)


def counts() -> dict[str, int]:
    """How many jobs there are by status; of more than MOST_COUNTED, MOST_COUNTED + 1.

    Counting stops there, so that the list of a million jobs is as quick as that of a thousand.
    """
    sql = " UNION ALL ".join(
        ["SELECT count(*) FROM (SELECT 1 FROM truestep_job WHERE status = %s LIMIT %s) AS jobs"]
        * len(JOB_STATUSES)
    )
    most = MOST_COUNTED + 1
    counted = database.rows(sql, *(value for status in JOB_STATUSES for value in (status, most)))
    return {status: count for status, (count,) in zip(JOB_STATUSES, counted, strict=True)}
