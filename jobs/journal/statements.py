"""The SQL of a batch. It depends on what a batch does, never on its values: it can be prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from django.db.models import Field, Model

from .. import database
from ..models import Attempt, Job, LogChunk, Step, Transition
from ..statuses import Kind, Status
from .attempts import LogTail

Statement = tuple[str, list[Any]]  # and its parameters

MOST_ROWS = 500  # that one statement inserts

# What a move makes of its step, in memory and in the database alike: columns that become what the
# entry says, and those that a start sets. Beside them the fence rises, and no pause is left.
COPIED = {"status": "to_status", "seq": "seq", "attempt": "attempt", "tag": "tag"}
STARTED = {"waiting": 0, "done": None, "total": None, "progress_text": ""}
_SET = [f"{column} = j.{source}" for column, source in COPIED.items()] + [
    f"{column} = CASE WHEN j.to_status = '{Status.RUNNING}' THEN %s ELSE {column} END"
    for column in STARTED
]
_MOVE = f"""
    UPDATE truestep_step SET fence = fence + 1, not_before = NULL, {", ".join(_SET)}
    FROM truestep_transition AS j
    WHERE j.job_id = %s AND j.seq > %s AND j.kind = '{Kind.MOVE}'
        AND truestep_step.id = j.step_id AND truestep_step.status = j.from_status
"""
_TAKE_BACK = f"""
    UPDATE truestep_step SET failures = 0, crashes = 0, interruptions = 0, waiting = (
        SELECT count(*) FROM truestep_need AS n
        JOIN truestep_step AS needed ON needed.id = n.needed_id
        WHERE n.step_id = truestep_step.id AND needed.status <> '{Status.SUCCEEDED}'
    )
    WHERE job_id = %s AND seq > %s
"""
_FREE = f"""
    UPDATE truestep_step SET waiting = waiting - 1, seq = %s
    WHERE status = '{Status.PENDING}'
        AND id IN (SELECT step_id FROM truestep_need WHERE needed_id = %s)
"""
_UPDATE_LOG = """
    UPDATE truestep_step SET log_lines = %%s%s
    WHERE id = %%s AND fence = %%s AND tag = %%s AND log_lines = %%s
"""
_PROGRESS = ("done", "total", "progress_text")
_JOB = ("seq", "tag", "status", "cancel_requested", "started_at", "ended_at")
_CHARGED = ("failures", "crashes", "interruptions", "not_before")
_ENDED = ("ended_at", "verdict", "result", "error", "traceback")


def insert_entries(entries: Sequence[Transition]) -> Iterator[Statement]:
    return _insert(entries)


def update_job(job: Job, base_seq: int, base_tag: str) -> Statement:
    """One row, unless another process has moved the job on from there."""
    columns = ", ".join(f"{column} = %s" for column in _JOB)
    sql = f"UPDATE truestep_job SET {columns} WHERE id = %s AND seq = %s AND tag = %s"
    return sql, [*_values(job, _JOB), job.pk, base_seq, base_tag]


def move_steps(job: Job, base_seq: int) -> Statement:
    """Any number of steps: each becomes what its entry behind *base_seq* says."""
    return _MOVE, [*STARTED.values(), job.pk, base_seq]


def update_log(tail: LogTail) -> Statement:
    """One row, as long as the attempt holds its step and the log ends where the tail begins."""
    held = tail.claim
    columns = _PROGRESS if tail.progress else ()
    values = [tail.last, *(tail.progress or ()), held.step_id, held.fence, held.tag, tail.before]
    return _UPDATE_LOG % "".join(f", {column} = %s" for column in columns), values


def insert_chunks(chunks: Sequence[LogChunk]) -> Iterator[Statement]:
    return _insert(chunks)


def charge_step(step: Step) -> Statement:
    columns = ", ".join(f"{column} = %s" for column in _CHARGED)
    return f"UPDATE truestep_step SET {columns} WHERE id = %s", [*_values(step, _CHARGED), step.pk]


def take_back_steps(job: Job, base_seq: int) -> Statement:
    """Those that this batch moved are charged with nothing, and wait for what is undone."""
    return _TAKE_BACK, [job.pk, base_seq]


def free_steps(dependency: int, seq: int) -> Statement:
    """The steps that needed this one, which has succeeded, wait for one step less."""
    return _FREE, [seq, dependency]


def write_attempts(attempts: Sequence[Attempt]) -> Iterator[Statement]:
    """Those that begin and those that end."""
    ended = ", ".join(f"{column} = excluded.{column}" for column in _ENDED)
    return _insert(attempts, f" ON CONFLICT (step_id, number) DO UPDATE SET {ended}")


def _insert(rows: Sequence[Model], on_conflict: str = "") -> Iterator[Statement]:
    """Insert rows of one model, if there are any; their primary keys stay unknown."""
    for start in range(0, len(rows), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        fields = _inserted(type(some[0]))
        columns = ", ".join(str(field.column) for field in fields)
        row = f"({database.placeholders(fields)})"
        sql = f"INSERT INTO {some[0]._meta.db_table} ({columns}) VALUES "
        params = [value for each in some for value in _prepared(each, fields)]
        yield sql + ", ".join([row] * len(some)) + on_conflict, params


@cache
def _inserted(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def _values(row: Model, names: Sequence[str]) -> list[Any]:
    return _prepared(row, [row._meta.get_field(name) for name in names])


def _prepared(row: Model, fields: Sequence[Any]) -> list[Any]:
    """What the database driver takes for these columns."""
    connection = database.connection
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
