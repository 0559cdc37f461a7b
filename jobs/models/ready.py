"""Steps that may start now: what every idle worker asks after each commit, in plain SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.utils import timezone

from .. import database
from ..statuses import Status

FIRST = (0, -1)  # no step comes before this place

# As ``StepQuerySet.ready``, in words that leave PostgreSQL one plan: to walk the index of ready
# steps. With ``status = 'pending'``, a join and a LIMIT it may walk the whole history in the same
# order, trusting that there is soon a pending step, as its statistics said before they all ran.
_PENDING = f"'{Status.PENDING}', 0"  # status and waiting
_ITS_JOB = "FROM truestep_job AS job WHERE job.id = step.job_id"
_READY = f"""
    SELECT step.id, step.job_id, step.position, step.name,
        (SELECT job.definition {_ITS_JOB}) AS definition
    FROM truestep_step AS step
    WHERE (step.status, step.waiting, step.job_id, step.position) > ({_PENDING}, %s, %s)
        AND (step.not_before IS NULL OR step.not_before <= %s)
        AND NOT (SELECT job.cancel_requested {_ITS_JOB})
"""
_OF_ALL_JOBS = f"AND (step.status, step.waiting) <= ({_PENDING})"
_OF_ONE_JOB = f"AND (step.status, step.waiting, step.job_id) <= ({_PENDING}, %s)"
_OF_DEFINITIONS = f"AND (SELECT job.definition {_ITS_JOB}) IN"
_IN_ORDER = "ORDER BY step.status, step.waiting, step.job_id, step.position LIMIT"


class ReadyStep(NamedTuple):
    """What a worker has to know of a step to see whether it can run it."""

    pk: int
    job_id: int
    position: int
    name: str
    definition: str


def count_ready(most: int) -> dict[str, int]:
    """How many steps a worker may start now, by definition: the first *most* of them."""
    now = database.connection.ops.adapt_datetimefield_value(timezone.now())
    sql = f"""
        SELECT definition, count(*) FROM ({_READY} {_OF_ALL_JOBS} {_IN_ORDER} {most}) AS ready
        GROUP BY definition
    """
    return dict(database.select(sql, [*FIRST, now]))


def ready_steps(
    most: int,
    *,
    behind: tuple[int, int] = FIRST,
    job_id: int | None = None,
    definitions: Collection[str] = (),
) -> list[ReadyStep]:
    """The first *most* steps that a worker may start now, in the order of job and position.

    Only those that come after the place *behind* (a job and a position in it), and only those of
    one job or of these definitions, if any are given.
    """
    now = database.connection.ops.adapt_datetimefield_value(timezone.now())
    if job_id is None:
        sql, params = f"{_READY} {_OF_ALL_JOBS}", [*behind, now]
    else:
        sql, params = f"{_READY} {_OF_ONE_JOB}", [*max(behind, (job_id, -1)), now, job_id]
    if definitions:
        chosen = database.placeholders(definitions)
        sql, params = f"{sql} {_OF_DEFINITIONS} ({chosen})", [*params, *definitions]
    # Not a parameter: SQLite would plan the query again for each value.
    return [ReadyStep(*row) for row in database.select(f"{sql} {_IN_ORDER} {most}", params)]
