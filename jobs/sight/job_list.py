"""Windows: what a page of jobs shows, and a mark that changes with it.

A mark is equal for equal pages. It is made of two digests: of the statuses that the page shows, and
of everything that it shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.http import QueryDict

from .. import conf, database, workers
from ..models import Job
from ..statuses import JOB_STATUSES, UNFINISHED
from ..text import clean
from .steps import FIRST_PAGE, StepPage
from .totals import counts

PAGE_SIZE = 50
MOST_IDS = 500
DIGEST = 8  # characters

Row = tuple[int, str, int]  # id, status, seq
Cells = dict[str, tuple[str, int]]  # id of an element that shows a status → status, seq


class Content(NamedTuple):
    """What a window shows now."""

    mark: str
    cells: Cells


@dataclass(frozen=True)
class ListPage:
    """What a page of the list shows, from one snapshot."""

    found: list[Job]  # one more than the page shows when there is an older page
    counts: dict[str, int]  # of all jobs, as ``counts`` makes them
    has_jobs_without_worker: bool

    @property
    def worker_command(self) -> str:
        """How to start one, in that case."""
        return conf.worker_command()

    @property
    def jobs(self) -> list[Job]:
        return self.found[:PAGE_SIZE]

    @property
    def oldest(self) -> int | None:
        """The job before which the older page begins, if there is one."""
        return self.jobs[-1].pk if len(self.found) > PAGE_SIZE else None

    @cached_property
    def content(self) -> Content:
        rows: list[Row] = [(job.pk, job.status, job.seq) for job in self.found]
        shown = rows, sorted(self.counts.items()), self.has_jobs_without_worker
        return Content(_mark(_statuses(rows), *shown), _cells("job", rows[:PAGE_SIZE]))


@dataclass(frozen=True)
class ListWindow:
    """A page of the list: a filter, and where the page begins. Equal windows share one reader."""

    status: str = ""
    definition: str = ""
    before: int | None = None  # only jobs older than this one

    cells_show_all = False  # new jobs appear, and each status is counted

    @classmethod
    def of(cls, query: QueryDict) -> ListWindow:
        """The window that a query string asks for. Raises ValueError when it is malformed."""
        before = query.get("before") or None
        if before is not None and not (before.isdecimal() and len(before) < 19):
            raise ValueError(f"before={before} is not the number of a job.")
        return cls(
            status=clean(query.get("status", "")),
            definition=clean(query.get("definition", "")),
            before=int(before) if before else None,
        )

    def page(self) -> ListPage:
        """All that the page shows; each part is read once."""
        with database.snapshot():
            counted = counts()
            return ListPage(self._read_jobs(), counted, has_jobs_without_worker(counted))

    def read(self) -> Content:
        """The mark, and the status in each row, from one snapshot."""
        return self.page().content

    def _read_jobs(self) -> list[Job]:
        filters = {"definition": self.definition, "status": self.status}
        chosen = {column: value for column, value in filters.items() if value}
        before = database.HIGHEST_ID if self.before is None else self.before
        newest = database.dialect().newest(chosen, before)
        # The keys come from an index alone: PostgreSQL finds that cheaper than any other way.
        sql = f"""
            SELECT id, definition, status, seq, created_at, started_at, ended_at FROM truestep_job
            WHERE id IN (
                SELECT id FROM truestep_job
                WHERE {newest.condition} ORDER BY {newest.order} LIMIT %s
            )
            ORDER BY id DESC
        """
        return list(Job.objects.raw(sql, [*newest.params, PAGE_SIZE + 1]))


@dataclass(frozen=True)
class IdWindow:
    """Jobs by their ids, as a page of the admin shows them. Equal windows share one reader."""

    ids: tuple[int, ...]
    whole: bool = False  # with their steps

    cells_show_all = True  # of the statuses

    @classmethod
    def of(cls, query: QueryDict) -> IdWindow:
        """The window of ``?ids=1,2,3``. Raises ValueError when that is no list of numbers."""
        given = query.get("ids", "").split(",")
        if len(given) > MOST_IDS or not all(id_.isdecimal() and len(id_) < 19 for id_ in given):
            raise ValueError(f"ids takes at most {MOST_IDS} numbers of jobs.")
        return cls(tuple(map(int, given)), whole="whole" in query)

    def query(self) -> str:
        """The query string that ``of`` reads."""
        return f"ids={','.join(map(str, self.ids))}" + ("&whole" if self.whole else "")

    def read(self) -> Content:
        """The mark, and the status in each cell, from one snapshot."""
        with database.snapshot():
            ids = database.placeholders(self.ids)
            sql = f"SELECT id, status, seq FROM truestep_job WHERE id IN ({ids}) ORDER BY id"
            rows = database.rows(sql, *self.ids)
            if not self.whole:
                return Content(mark_of(rows), _cells("job", rows))
            sql = f"""
                SELECT id, status, seq, log_lines FROM truestep_step
                WHERE job_id IN ({ids}) AND position < %s ORDER BY id
            """
            shown = database.rows(sql, *self.ids, FIRST_PAGE.end)  # log lines grow without an entry
            step_rows = [row[:3] for row in shown]
            mark = _mark(_statuses(rows) + _statuses(step_rows), rows, shown)
            return Content(mark, _cells("job", rows) | _cells("step", step_rows))


def step_page_of(query: QueryDict) -> StepPage:
    """The page of a job's steps that ``?from=`` and a position ask for. Raises ValueError."""
    first = query.get("from") or "0"
    if not (first.isdecimal() and len(first) < 10):
        raise ValueError(f"from={first} is not the position of a step.")
    return StepPage.of(int(first))


def mark_of(rows: Sequence[Row]) -> str:
    """The mark of an IdWindow, without steps, whose jobs are *rows*."""
    return _mark(_statuses(rows), rows)


def shows_other_statuses(old: str, new: str) -> bool:
    """Whether the pages of these two marks differ in a status."""
    return old[:DIGEST] != new[:DIGEST]


def _mark(statuses: list[tuple[int, str]], *all_shown: object) -> str:
    return _digest(statuses) + _digest(*all_shown)


def _digest(*shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:DIGEST]


def _statuses(rows: Sequence[Row]) -> list[tuple[int, str]]:
    return [(pk, status) for pk, status, _ in rows]


def _cells(kind: str, rows: Sequence[Row]) -> Cells:
    return {f"{kind}-{pk}": (status, seq) for pk, status, seq in rows}


def has_jobs_without_worker(counted: dict[str, int]) -> bool:
    """Whether there are unfinished jobs that no live worker takes; some take one job only."""
    unfinished = sum(counted[status] for status in JOB_STATUSES if status in UNFINISHED)
    if not unfinished:
        return False
    taken = {worker.only_job_id for worker in workers.living()}
    return None not in taken and unfinished > len(taken)
