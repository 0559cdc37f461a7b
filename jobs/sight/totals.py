"""How many jobs there are by status, counted exactly up to MOST_COUNTED.

To count on would take as long as the history is. Even so far takes a millisecond for each status,
at each change and for each open list. So a process remembers for a while, with the time, that there
are more: longer of finished jobs, which hardly ever become fewer, than of those that may soon end.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta

from django.utils import timezone

from .. import database
from ..statuses import JOB_STATUSES, TERMINAL

MOST_COUNTED = 10_000
REMEMBERED_SECONDS = 60.0  # of finished jobs, and …
BACKLOG_SECONDS = 5.0  # … of unfinished ones

_many: dict[str, float] = {}  # statuses with more jobs than that, and when: in monotonic seconds


def counts() -> dict[str, int]:
    """How many jobs have each status; of more than MOST_COUNTED, MOST_COUNTED + 1."""
    unknown: list[str] = [status for status in JOB_STATUSES if not _is_remembered(status)]
    counted = {str(status): MOST_COUNTED + 1 for status in JOB_STATUSES} | _count(unknown)
    for status in unknown:
        if counted[status] > MOST_COUNTED:
            _many[status] = time.monotonic()
        else:
            _many.pop(status, None)
    return counted


def counted_at(status: str) -> datetime:
    """When it was counted that so many jobs have this status."""
    age = time.monotonic() - _many.get(status, time.monotonic())
    return timezone.now() - timedelta(seconds=age)


def _is_remembered(status: str) -> bool:
    seconds = REMEMBERED_SECONDS if status in TERMINAL else BACKLOG_SECONDS
    return time.monotonic() - _many.get(status, -math.inf) < seconds


def _count(statuses: list[str]) -> dict[str, int]:
    if not statuses:
        return {}
    sql = " UNION ALL ".join(
        ["SELECT count(*) FROM (SELECT 1 FROM truestep_job WHERE status = %s LIMIT %s) AS jobs"]
        * len(statuses)
    )
    most = MOST_COUNTED + 1
    counted = database.rows(sql, *(value for status in statuses for value in (status, most)))
    return {status: count for status, (count,) in zip(statuses, counted, strict=True)}
