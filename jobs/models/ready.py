"""Steps that may start now: what every idle worker asks after each commit, in plain SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.utils import timezone

from .. import database
from ..statuses import Status

FIRST = (0, -1)  # no step comes before this place

# As ``StepQuerySet.ready``.
_READY = f"""
    SELECT step.id, step.job_id, step.position, step.name, job.definition
    FROM truestep_step AS step JOIN truestep_job AS job ON job.id = step.job_id
    WHERE step.status = '{Status.PENDING}' AND step.waiting = 0
        AND (step.not_before IS NULL OR step.not_before <= %s)
        AND NOT job.cancel_requested AND (step.job_id, step.position) > (%s, %s)
"""
_IN_ORDER = "ORDER BY step.job_id, step.position LIMIT"


class ReadyStep(NamedTuple):
    """What a worker has to know of a step to see whether it can run it."""

    pk: int
    job_id: int
    position: int
    name: str
    definition: str


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
    sql, params = _READY, [now, *behind]
    if job_id is not None:
        sql, params = f"{sql} AND step.job_id = %s", [*params, job_id]
    if definitions:
        chosen = database.placeholders(definitions)
        sql, params = f"{sql} AND job.definition IN ({chosen})", [*params, *definitions]
    # Not a parameter: SQLite would plan the query again for each value.
    return [ReadyStep(*row) for row in database.select(f"{sql} {_IN_ORDER} {most}", params)]
