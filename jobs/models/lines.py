"""The line at a concurrency key: which jobs hold the key, and which one is next."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any, NamedTuple, cast

from .. import database
from ..statuses import Status
from .jobs import UNFINISHED_STATUSES, Job

_HOLDS = (
    f"key_number > 0 AND status IN ({', '.join(repr(str(each)) for each in UNFINISHED_STATUSES)})"
)
_WAITS = f"key_number = 0 AND status = '{Status.PENDING}'"
_FIRST = "ORDER BY priority DESC, id LIMIT 1"
_HOLDERS = (
    "SELECT id, key_number, key_since FROM truestep_job "
    f"WHERE key = %s AND {_HOLDS} ORDER BY key_number"
)
_FIRST_IN_LINE = f"SELECT id, at_most FROM truestep_job WHERE key = %s AND {_WAITS} {_FIRST}"
_BEFORE = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM truestep_job WHERE key = %s AND {_WAITS} AND priority >= %s
            AND (priority > %s OR id < %s) LIMIT %s
    ) AS counted
"""

# Each key that a job waits for, one look at the index for each, however many wait for it.
_LINES = f"""
    WITH RECURSIVE line(key) AS (
        SELECT CAST(%s AS varchar(200)) UNION ALL
        SELECT (
            SELECT job.key FROM truestep_job AS job WHERE job.key > line.key AND {_WAITS}
            ORDER BY job.key LIMIT 1
        ) FROM line WHERE line.key IS NOT NULL
    )
    SELECT line.key, (
        SELECT at_most FROM truestep_job AS job WHERE job.key = line.key AND {_WAITS} {_FIRST}
    ) > (SELECT count(*) FROM truestep_job AS job WHERE job.key = line.key AND {_HOLDS})
    FROM line LIMIT %s
"""


class Holder(NamedTuple):
    """A job that holds a key."""

    job_id: int
    number: int  # from 1 on
    since: datetime


class Line(NamedTuple):
    """Who holds a key and who gets it next."""

    holders: list[Holder]  # by number
    first: int | None  # the job that has waited first
    its_at_most: int

    def free_number(self, at_most: int, *, by_chance: bool = False) -> int:
        """A number for a job that shares the key with fewer than *at_most* others; 0: none is free.

        The database refuses a number that another unfinished job has.
        """
        if len(self.holders) >= at_most:
            return 0
        taken = {holder.number for holder in self.holders}
        free = [number for number in range(1, at_most + 1) if number not in taken]
        return random.choice(free) if by_chance else free[0]

    @property
    def next(self) -> int | None:
        """The job that may have the key now."""
        return self.first if self.first and self.free_number(self.its_at_most) else None


def read_line(key: str) -> Line:
    """The line at a key. Holders are read first: who gets the key meanwhile collides."""
    found = database.select(_HOLDERS, [key])
    holders = [Holder(job_id, number, _moment(since)) for job_id, number, since in found]
    waiting = database.select(_FIRST_IN_LINE, [key])
    first, at_most = waiting[0] if waiting else (None, 0)
    return Line(holders, first, at_most)


def count_before(job: Job, most: int) -> int:
    """How many jobs stand before this one in its line; no more than *most* are counted."""
    at = [job.priority, job.priority, job.pk]
    [(count,)] = database.select(_BEFORE, [job.key, *at, most])
    return int(count)


def _moment(value: Any) -> datetime:
    """A moment as the database has it."""
    column = Job._meta.get_field("key_since").get_col("truestep_job")
    for convert in database.connection.ops.get_db_converters(column):
        value = convert(value, column, database.connection)
    return cast(datetime, value)


def lines_behind(key: str, most: int) -> list[tuple[str, bool]]:
    """The next keys *behind* this one that jobs wait for, and whether the first of them may go."""
    found = database.select(_LINES, [key, most + 1])[1:]
    return [(name, bool(is_free)) for name, is_free in found if name is not None]
