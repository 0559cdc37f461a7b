"""How many steps of a job have which status, for each page of them.

To count them goes through all steps. But at a position of the journal the numbers are always the
same, so a process remembers those of the jobs that it read last, and adds the moves since then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .. import database
from ..models import Transition
from ..statuses import Kind, Status
from .positions import Position
from .steps import STEPS_SHOWN, StepPage

Counts = dict[StepPage, Counter[str]]  # steps by status

MOST_REMEMBERED = 100  # jobs

_remembered: dict[int, tuple[Position, Counts]] = {}  # by job; none of them is ever changed


def counts_of(job_id: int) -> Counts:
    """The counts of the snapshot in progress, counted."""
    sql = """
        SELECT position / %s AS page, status, count(*) FROM truestep_step
        WHERE job_id = %s GROUP BY page, status ORDER BY page
    """
    counts: Counts = {}
    for number, status, count in database.rows(sql, STEPS_SHOWN, job_id):
        counts.setdefault(StepPage(number * STEPS_SHOWN), Counter())[status] = count
    return counts


def counts_after(entries: Sequence[Transition]) -> Counts:
    """The counts after the last of these successive entries of a job, which have their steps.

    It has to be the newest entry of the snapshot in progress.
    """
    job_id, position = entries[-1].job_id, _position(entries[-1])
    known = _remembered.pop(job_id, None)
    counts = _moved_on(*known, entries) if known else None
    counts = counts_of(job_id) if counts is None else counts
    _remembered[job_id] = (position, counts)
    for oldest in list(_remembered)[:-MOST_REMEMBERED]:
        _remembered.pop(oldest, None)  # another thread may have been faster
    return counts


def total_of(counts: Counts) -> Counter[str]:
    """The counts of all pages together."""
    total: Counter[str] = Counter()
    for each in counts.values():
        total.update(each)
    return total


def in_order(counts: Counter[str]) -> list[tuple[Status, int]]:
    """Those that are not 0, as statuses are always listed."""
    return [(status, counts[status]) for status in Status if counts[status]]


def _moved_on(known: Position, counts: Counts, entries: Sequence[Transition]) -> Counts | None:
    """The counts at *known*, and the moves after it; None when it is not among the entries."""
    at = known.seq - entries[0].seq
    if not 0 <= at < len(entries) or _position(entries[at]) != known:
        return None
    moved = dict(counts)
    for entry in entries[at + 1 :]:
        if entry.kind == Kind.MOVE and entry.step:
            page = StepPage.of(entry.step.position)
            moved[page] = moved[page] + Counter({entry.to_status: 1})
            moved[page] -= Counter({entry.from_status: 1})
    return moved


def _position(entry: Transition) -> Position:
    return Position(entry.seq, entry.tag)
