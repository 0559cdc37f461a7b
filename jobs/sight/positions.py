"""Where a viewer is on a job's journal: (seq, tag), and which entries come after it."""

from __future__ import annotations

from typing import NamedTuple

from .. import database
from ..models import Job, Step, Transition

ENTRIES_SHOWN = 200  # of a job's history
FURTHEST = 1000  # entries behind the present, from where a page is better fetched anew


class Position(NamedTuple):
    """A point on a job's journal: the number and the mark of an entry; (0, "") is before it all."""

    seq: int
    tag: str


class CannotFollow(Exception):
    """No way leads from the position to the present: the page is better fetched anew.

    The database was restored from a copy, or so much has happened that it would not be shown.
    """


def position_of(job_id: int) -> Position:
    """Where a job's journal ends. Raises Job.DoesNotExist."""
    sql = "SELECT seq, tag FROM truestep_transition WHERE job_id = %s ORDER BY seq DESC LIMIT 1"
    if not (ends := database.rows(sql, job_id)):
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return Position(*ends[0])


def history(job_id: int, before: int | None = None) -> list[Transition]:
    """The newest entries of a job's journal, or the newest before an entry; oldest first."""
    entries = Transition.objects.filter(job=job_id).select_related("step").order_by("-seq")
    if before is not None:
        entries = entries.filter(seq__lt=before)
    return list(entries[:ENTRIES_SHOWN])[::-1]


def journal_since(job_id: int, since: int, tag: str) -> list[Transition]:
    """The entry at *since* and all after it."""
    sql = "SELECT * FROM truestep_transition WHERE job_id = %s AND seq >= %s ORDER BY seq LIMIT %s"
    journal = list(Transition.objects.raw(sql, [job_id, since, FURTHEST + 2]))
    if len(journal) > FURTHEST + 1:
        raise CannotFollow
    if journal and (journal[0].seq, journal[0].tag) == (since, tag):
        return journal
    if journal or Job.objects.filter(pk=job_id).exists():
        raise CannotFollow
    return []


def name_steps(entries: list[Transition], found: list[Step]) -> None:
    """Give the entries their steps, of which most have been read already."""
    steps = {step.pk: step for step in found}
    missing = {entry.step_id for entry in entries if entry.step_id} - steps.keys()
    if missing:
        steps |= Step.objects.in_bulk(missing)
    for entry in entries:
        if entry.step_id:
            entry.step = steps[entry.step_id]
