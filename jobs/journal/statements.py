"""The SQL of a batch. It depends on what a batch does, never on its values: it can be prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeAlias

from django.db.models import DateTimeField, Field, JSONField, Model

from .. import database
from ..models import Attempt, Job, LogChunk, Step, Transition
from ..statuses import Kind, Status
from .attempts import LogTail
from .rows import AttemptRow, Entry

Statement = tuple[str, list[Any]]  # and its parameters
Columns: TypeAlias = "dict[str, Field[Any, Any] | None]"  # a field where values are converted

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
    FROM (
        SELECT * FROM truestep_transition WHERE job_id = %s AND seq > %s ORDER BY seq LIMIT %s
    ) AS j
    WHERE j.kind = '{Kind.MOVE}'
        AND truestep_step.id = j.step_id AND truestep_step.status = j.from_status
"""  # with the LIMIT, only the index by job and seq is good, also before there are statistics
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
_UPDATE_JOB = f"""
    UPDATE truestep_job SET {", ".join(f"{column} = %s" for column in _JOB)}
    WHERE id = %s AND seq = %s AND tag = %s
"""
_CHARGED = ("failures", "crashes", "interruptions", "not_before")
_CHARGE = f"""
    UPDATE truestep_step SET {", ".join(f"{column} = %s" for column in _CHARGED)} WHERE id = %s
"""
_ENDED = ("ended_at", "verdict", "result", "error", "traceback")
_OR_END = f"""
    ON CONFLICT (step_id, number)
    DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in _ENDED)}
"""


def insert_entries(entries: Sequence[Entry]) -> Iterator[Statement]:
    return _insert(Transition, entries)


def update_job(job: Job, base_seq: int, base_tag: str) -> Statement:
    """One row, unless another process has moved the job on from there."""
    return _UPDATE_JOB, [*_values(job, _columns(Job, _JOB)), job.pk, base_seq, base_tag]


def move_steps(job: Job, base_seq: int) -> Statement:
    """Any number of steps: each becomes what its entry behind *base_seq* says."""
    return _MOVE, [*STARTED.values(), job.pk, base_seq, job.seq - base_seq]


def update_log(tail: LogTail) -> Statement:
    """One row, as long as the attempt holds its step and the log ends where the tail begins."""
    held = tail.claim
    columns = _PROGRESS if tail.progress else ()
    values = [tail.last, *(tail.progress or ()), held.step_id, held.fence, held.tag, tail.before]
    return _UPDATE_LOG % "".join(f", {column} = %s" for column in columns), values


def insert_chunks(chunks: Sequence[LogChunk]) -> Iterator[Statement]:
    return _insert(LogChunk, chunks)


def charge_step(step: Step) -> Statement:
    return _CHARGE, [*_values(step, _columns(Step, _CHARGED)), step.pk]


def take_back_steps(job: Job, base_seq: int) -> Statement:
    """Those that this batch moved are charged with nothing, and wait for what is undone."""
    return _TAKE_BACK, [job.pk, base_seq]


def free_steps(dependency: int, seq: int) -> Statement:
    """The steps that needed this one, which has succeeded, wait for one step less."""
    return _FREE, [seq, dependency]


def write_attempts(attempts: Sequence[AttemptRow]) -> Iterator[Statement]:
    """Those that begin and those that end."""
    return _insert(Attempt, attempts, _OR_END)


def _insert(model: type[Model], rows: Sequence[Any], on_conflict: str = "") -> Iterator[Statement]:
    """Insert rows of one model, if there are any; their primary keys stay unknown."""
    columns = _columns(model)
    for start in range(0, len(rows), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        values = [value for row in some for value in _values(row, columns)]
        yield _insert_rows(model, len(some)) + on_conflict, values


@cache
def _insert_rows(model: type[Model], count: int) -> str:
    columns = _columns(model)
    row = f"({database.placeholders(columns)})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES {rows}"


@cache
def _columns(model: type[Model], names: Sequence[str] = ()) -> Columns:
    """The columns of these names, or all that an INSERT fills."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    chosen = names or [name for name, field in fields.items() if not field.primary_key]
    return {
        name: fields[name] if isinstance(fields[name], DateTimeField | JSONField) else None
        for name in chosen
    }


def _values(row: Any, columns: Columns) -> list[Any]:
    """What the database driver takes for these columns."""
    values = [getattr(row, column) for column in columns]
    for place, field in enumerate(columns.values()):
        if field is not None and values[place] is not None:
            values[place] = _converted(values[place], field)
    return values


def _converted(value: Any, field: Field[Any, Any]) -> Any:
    if isinstance(value, datetime):
        return _moment(value, database.connection.vendor)
    return field.get_db_prep_save(value, database.connection)


@lru_cache(maxsize=20)
def _moment(value: datetime, vendor: str) -> Any:
    """A moment as the database has it. All rows of a batch have the same one."""
    return database.connection.ops.adapt_datetimefield_value(value)
