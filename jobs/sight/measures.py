"""How much there is now: jobs and steps by definition and status, counted up to a limit.

As in ``totals``, that there are more than the limit is remembered for a while: to count so far
takes a millisecond, and here each definition is counted.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection

from .. import database
from ..models.ready import count_ready
from ..statuses import JOB_STATUSES, TERMINAL, UNFINISHED
from .totals import BACKLOG_SECONDS, MOST_COUNTED, REMEMBERED_SECONDS

OTHER = "other"  # stands for each definition that is not registered
MOST_OTHERS = 20  # of them that are counted

Pair = tuple[str, str]  # definition and status

_many: dict[Pair, float] = {}  # of which there are more, and when: in monotonic seconds

# The names of all definitions of jobs, each found by one look into an index.
_NAMES = """
    WITH RECURSIVE found(name) AS (
        SELECT (SELECT definition FROM truestep_job ORDER BY definition LIMIT 1)
        UNION ALL
        SELECT (
            SELECT definition FROM truestep_job WHERE definition > found.name
            ORDER BY definition LIMIT 1
        ) FROM found WHERE found.name IS NOT NULL
    )
    SELECT name FROM found WHERE name IS NOT NULL LIMIT %s
"""
_COUNT = """
    SELECT count(*) FROM (
        SELECT 1 FROM truestep_job WHERE definition = %s AND status = %s LIMIT %s
    ) AS jobs
"""
_STEPS = """
    SELECT job.definition, count(*)
    FROM (SELECT job_id FROM truestep_step WHERE status = %s LIMIT %s) AS step
    JOIN truestep_job AS job ON job.id = step.job_id
    GROUP BY job.definition
"""


def jobs(registered: Collection[str]) -> dict[Pair, int]:
    """How many jobs there are by definition and status; of more than MOST_COUNTED, one more.

    The definitions of past releases are OTHER together: the first MOST_OTHERS of them.
    """
    names = [name for (name,) in database.rows(_NAMES, len(registered) + MOST_OTHERS)]
    others = [name for name in names if name not in registered][:MOST_OTHERS]
    counted = {(name, status): count for name in registered for status, count in _count(name)}
    for status, count in (each for name in others for each in _count(name)):
        together = counted.get((OTHER, status), 0) + count
        counted[OTHER, status] = min(together, MOST_COUNTED + 1)
    return counted


def steps(registered: Collection[str]) -> dict[Pair, int]:
    """Unfinished steps by definition and status: of each status, the first MOST_COUNTED + 1."""
    counted = Counter({(name, str(status)): 0 for name in registered for status in UNFINISHED})
    for status in UNFINISHED:
        for name, count in database.rows(_STEPS, status, MOST_COUNTED + 1):
            counted[name if name in registered else OTHER, str(status)] += count
    return dict(counted)


def ready(registered: Collection[str]) -> dict[str, int]:
    """Steps that a worker may start now, by definition: the first MOST_COUNTED + 1."""
    counted = Counter(dict.fromkeys(registered, 0))
    for name, count in count_ready(MOST_COUNTED + 1).items():
        counted[name if name in registered else OTHER] += count
    return dict(counted)


def _count(name: str) -> list[tuple[str, int]]:
    """How many jobs of one definition have each status."""
    counted = {str(status): MOST_COUNTED + 1 for status in JOB_STATUSES}
    unknown = [status for status in counted if not _is_remembered((name, status))]
    if unknown:
        params = [value for status in unknown for value in (name, status, MOST_COUNTED + 1)]
        found = database.rows(" UNION ALL ".join([_COUNT] * len(unknown)), *params)
        counted |= {status: count for status, (count,) in zip(unknown, found, strict=True)}
    for status in unknown:
        if counted[status] > MOST_COUNTED:
            _many[name, status] = time.monotonic()
        else:
            _many.pop((name, status), None)
    return list(counted.items())


def _is_remembered(pair: Pair) -> bool:
    seconds = REMEMBERED_SECONDS if pair[1] in TERMINAL else BACKLOG_SECONDS
    return time.monotonic() - _many.get(pair, -math.inf) < seconds
