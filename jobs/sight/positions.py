"""Positions on a job's journal, and the entries after one."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from .. import database
from ..models import Job, Step, Transition

ENTRIES_SHOWN = 200  # of a job's history, on one page
MOST_BEHIND = 1000  # entries; a page that is further behind is fetched again as a whole


class Position(NamedTuple):
    """A point on a job's journal: the number and the tag of an entry."""

    seq: int
    tag: str


START = Position(0, "")  # before the first entry


class CannotFollow(Exception):
    """Nothing leads from the position to the current state; the page has to be fetched again.

    The database was restored from a copy, or more has happened since than a page would show.
    """


def no_such_job(job_id: int) -> Job.DoesNotExist:
    """The error to raise for a job that does not exist."""
    return Job.DoesNotExist(f"There is no job {job_id}.")


def position_of(job_id: int) -> Position:
    """The position of a job's newest entry. Raises Job.DoesNotExist."""
    sql = "SELECT seq, tag FROM truestep_transition WHERE job_id = %s ORDER BY seq DESC LIMIT 1"
    if not (newest := database.rows(sql, job_id)):
        raise no_such_job(job_id)
    return Position(*newest[0])


def history(job_id: int, before: int | None = None) -> list[Transition]:
    """The newest ENTRIES_SHOWN entries of a job, or the newest before *before*; oldest first.

    Without their steps, which ``attach_steps`` adds.
    """
    entries = Transition.objects.filter(job=job_id).order_by("-seq")
    if before is not None:
        entries = entries.filter(seq__lt=before)
    return list(entries[:ENTRIES_SHOWN])[::-1]


def entries_from(job_id: int, position: Position) -> list[Transition]:
    """The entry at *position* and all entries after it, without their steps.

    Raises CannotFollow, and Job.DoesNotExist.
    """
    sql = "SELECT * FROM truestep_transition WHERE job_id = %s AND seq >= %s ORDER BY seq LIMIT %s"
    entries = list(Transition.objects.raw(sql, [job_id, position.seq, MOST_BEHIND + 2]))
    if not entries and not Job.objects.filter(pk=job_id).exists():
        raise no_such_job(job_id)
    if not entries or (entries[0].seq, entries[0].tag) != position:
        raise CannotFollow
    if len(entries) > MOST_BEHIND + 1:
        raise CannotFollow
    return entries


def attach_steps(entries: list[Transition], steps: Collection[Step] = ()) -> None:
    """Set the step of each entry: from *steps*, or else from the database."""
    known = {step.pk: step for step in steps}
    missing = {entry.step_id for entry in entries if entry.step_id} - known.keys()
    if missing:
        known |= Step.objects.in_bulk(missing)
    for entry in entries:
        if entry.step_id:
            entry.step = known[entry.step_id]
