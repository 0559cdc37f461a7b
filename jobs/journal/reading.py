"""A job and its steps as they are in the database, read by plain SQL.

A worker does so for each job. The ORM would take several times as long, most of it to put the same
statements together each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model
from django.utils import timezone

from .. import database
from ..models import Job, Step
from ..statuses import Wanted

Row = TypeVar("Row", bound=Model)
Converter = Callable[[Any, Any, Any], Any]  # of a value, its column and the connection

# One table: PostgreSQL might join two by reading one of them through for each row of the other.
_NEEDS = "SELECT step_id, needed_id FROM truestep_need WHERE step_id BETWEEN %s AND %s"
_ORDERED = (
    "SELECT 'paused', NULL, name FROM truestep_queue WHERE is_paused UNION ALL "
    "SELECT 'wanted', NULL, wanted FROM truestep_worker WHERE id = %s"
)


def read_job(job_id: int) -> Job:
    """Raises Job.DoesNotExist."""
    for job in _read(Job, "id = %s", job_id):
        return job
    raise Job.DoesNotExist(f"There is no job {job_id}.")


def read_steps(job_id: int) -> list[Step]:
    """In the order of the definition."""
    return _read(Step, "job_id = %s ORDER BY position", job_id)


def read_changed_steps(job_id: int, seq: int) -> list[Step]:
    """Those that the entries after *seq* have moved, in the order of the definition."""
    return _read(Step, "job_id = %s AND seq > %s ORDER BY position", job_id, seq)


def read_next_retry(job_id: int | None = None) -> Step | None:
    """The step whose pause before a retry ends first; of this job only, if one is given."""
    # A pausing step is pending. To say so would hide the index of these steps from the planner.
    now = database.connection.ops.adapt_datetimefield_value(timezone.now())
    of_job, its = ("", []) if job_id is None else ("AND job_id = %s", [job_id])
    found = _read(Step, f"not_before > %s {of_job} ORDER BY not_before LIMIT 1", now, *its)
    return found[0] if found else None


class Requests(NamedTuple):
    """What people want of a worker."""

    cancelled: set[int]  # of the jobs that it runs, by people …
    overdue: set[int]  # … and at their deadlines
    asked: set[int]  # of the steps that it runs: where are they?
    paused: set[str]  # queues
    wanted: str  # of itself


def read_requests(worker_id: int, jobs: Collection[int], steps: Collection[int]) -> Requests:
    """What people want of a worker that runs these steps of these jobs."""
    sql, params = _ORDERED, [worker_id]
    if jobs:
        sql = f"""
            SELECT CASE WHEN deadline_at IS NULL THEN 'cancelled' ELSE 'overdue' END, id, NULL
            FROM truestep_job
            WHERE id IN ({database.placeholders(jobs)}) AND cancel_requested
            UNION ALL SELECT 'asked', step_id, NULL FROM truestep_stackrequest
            WHERE step_id IN ({database.placeholders(steps)}) AND answered_at IS NULL
            UNION ALL {sql}
        """
        params = [*jobs, *steps, *params]
    requests = Requests(set(), set(), set(), set(), Wanted.WORK)
    for what, pk, text in database.select(sql, params):
        if what == "wanted":
            requests = requests._replace(wanted=text)
        else:
            getattr(requests, what).add(text or pk)
    return requests


def read_needs(steps: Collection[int]) -> list[tuple[int, int]]:
    """Pairs of a step and one that it needs, by id, in any order."""
    # Jobs launched at the same time may have ids between those of this one.
    among = database.select(_NEEDS, [min(steps), max(steps)]) if steps else []
    return [(step, needed) for step, needed in among if step in steps]


def _read(model: type[Row], where: str, *params: Any) -> list[Row]:
    names = [field.attname for field in model._meta.concrete_fields]
    sql = f"SELECT {', '.join(names)} FROM {model._meta.db_table} WHERE {where}"
    found = database.select(sql, params)
    using, connection = database.alias(), database.connection
    converters = _converters(model, using)
    rows = []
    for values in map(list, found):
        for place, column, convert in converters:
            values[place] = convert(values[place], column, connection)
        rows.append(model.from_db(using, names, values))
    return rows


@cache
def _converters(model: type[Model], using: str) -> list[tuple[int, Any, Converter]]:
    """What makes the values of Python of those that the driver returns, by the column's place."""
    its = database.connection
    found = []
    for place, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        for convert in (*its.ops.get_db_converters(column), *field.get_db_converters(its)):
            found.append((place, column, convert))
    return found
