"""Steps that may start now: what every idle worker asks after each commit, in plain SQL."""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter
from typing import Any, NamedTuple

from django.utils import timezone

from .. import database
from ..statuses import Status


class Place(NamedTuple):
    """Where a step stands among those that may start: the least one starts first."""

    rank: int
    job_id: int
    position: int


FIRST = Place(-(2**15), 0, -1)  # no step stands before it

# As ``StepQuerySet.ready``, in words that leave PostgreSQL one plan: to walk the index of queues.
# With ``status = 'pending'``, a join and a LIMIT it may walk the whole history in the same order,
# trusting that there is soon a pending step, as its statistics said before they all ran.
_FREE = f"'{Status.PENDING}', 0"  # status and waiting
_QUEUE = "step.queue, step.status, step.waiting"
_IN_ORDER = f"{_QUEUE}, step.rank, step.job_id, step.position"
_ITS_JOB = "FROM truestep_job AS job WHERE job.id = step.job_id"

# Every queue that a step names, one look at the index for each.
_ALL_QUEUES = f"""
    SELECT CAST('' AS varchar(100)) UNION ALL
    SELECT (
        SELECT step.queue FROM truestep_step AS step WHERE step.queue > served.queue
        ORDER BY {_IN_ORDER} LIMIT 1
    ) FROM served WHERE served.queue IS NOT NULL
"""
# The first of each queue: a queue with a long backlog that no one serves costs no more than others.
_FIRST_OF_QUEUE = f"""
    WHERE ({_IN_ORDER}) > (served.queue, {_FREE}, %s, %s, %s)
        AND ({{end}}) <= (served.queue, {_FREE}{{last}})
        AND (step.not_before IS NULL OR step.not_before <= %s)
        AND NOT (SELECT job.cancel_requested {_ITS_JOB})
        {{filter}}
    ORDER BY {_IN_ORDER} LIMIT {{most}}
"""
_PAUSED = "FROM truestep_queue AS paused WHERE paused.is_paused"
_READY = f"""
    WITH RECURSIVE served(queue) AS ({{queues}})
    SELECT {{what}} FROM (
        SELECT step.id, step.job_id, step.position, step.name, step.rank, step.queue,
            (SELECT job.definition {_ITS_JOB}) AS definition
        FROM served {{join}}
        WHERE NOT EXISTS (SELECT 1 {_PAUSED} AND paused.name = served.queue)
        ORDER BY step.rank, step.job_id, step.position LIMIT {{most}}
    ) AS ready
"""
_AND_PAUSED = f"UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, paused.name, NULL {_PAUSED}"


def named_queues() -> list[str]:
    """The queues that steps name, old ones, too."""
    sql = f"WITH RECURSIVE served(queue) AS ({_ALL_QUEUES}) SELECT queue FROM served"
    return [queue for (queue,) in database.select(sql, []) if queue]


class Ready(NamedTuple):
    """What may start now, and the queues of which nothing may."""

    steps: list[ReadyStep]
    paused: set[str]


class ReadyStep(NamedTuple):
    """What a worker has to know of a step to see whether it can run it."""

    pk: int
    job_id: int
    position: int
    name: str
    rank: int
    queue: str
    definition: str

    @property
    def place(self) -> Place:
        return Place(self.rank, self.job_id, self.position)


def ready_steps(
    most: int,
    *,
    behind: Place = FIRST,
    queues: Collection[str] | None = None,
    only: Place | None = None,
    definitions: Collection[str] = (),
) -> Ready:
    """The first *most* steps that a worker may start now, in order, and the paused queues.

    Only those that stand *behind* a place, those of these *queues* (None: of all), those of the job
    of the place *only*, and those of these *definitions*, where any are given.
    """
    if queues is not None and not queues:
        return Ready([], set())
    sql, params = _looked_for("*", most, behind, queues, only, definitions)
    found = [ReadyStep(*row) for row in database.select(f"{sql} {_AND_PAUSED}", params)]
    steps = sorted((row for row in found if row.pk is not None), key=attrgetter("place"))
    return Ready(steps, {row.queue for row in found if row.pk is None})


def count_ready(most: int) -> dict[str, int]:
    """How many steps a worker may start now, by definition: the first *most* of them."""
    sql, params = _looked_for("ready.definition, count(*)", most)
    return dict(database.select(f"{sql} GROUP BY ready.definition", params))


def _looked_for(
    what: str,
    most: int,
    behind: Place = FIRST,
    queues: Collection[str] | None = None,
    only: Place | None = None,
    definitions: Collection[str] = (),
) -> tuple[str, list[Any]]:
    """A SELECT of *what* of ready steps, and its parameters."""
    named, served = _ALL_QUEUES, list[Any]()
    if queues is not None:
        named = " UNION ALL ".join(["SELECT CAST(%s AS varchar(100))"] * len(queues))
        served = list(queues)
    now = database.connection.ops.adapt_datetimefield_value(timezone.now())
    if only is None:
        end, last, params = _QUEUE, "", [*behind, now]
    else:
        end, last = f"{_QUEUE}, step.rank, step.job_id", ", %s, %s"
        params = [*max(behind, only), only.rank, only.job_id, now]
    chosen = ""
    if definitions:
        marks = database.placeholders(definitions)
        chosen = f"AND (SELECT job.definition {_ITS_JOB}) IN ({marks})"
        params += definitions
    # Not a parameter: SQLite would plan the query again for each value.
    first = _FIRST_OF_QUEUE.format(end=end, last=last, filter=chosen, most=most)
    join = database.dialect().join_selected("truestep_step", "step", first)
    sql = _READY.format(queues=named, what=what, join=join, most=most)
    return sql, [*served, *params]
