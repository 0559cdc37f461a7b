"""The SQL of a batch, the same on every database.

A text names the values that it takes, such as ``:job.seq``. On SQLite they are bound, and the texts
are run one after another. On PostgreSQL ``batch_function`` makes one function of all texts, in
which the names are variables. A text depends on what a batch does, never on values: it can be
prepared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ..database import placeholders
from ..models import Attempt, Job, LogChunk, Need, Step, Transition
from ..statuses import Kind, Status
from .rows import Row, columns_of

Statement = tuple[str, list[Any]]  # and its parameters

MOST_ROWS = 500  # that one statement inserts

# What a move makes of its step, in memory and in the database alike: columns that become what the
# entry says, and those that a start sets. Beside them the fence rises, and no pause is left.
COPIED = {"status": "to_status", "seq": "seq", "attempt": "attempt", "tag": "tag"}
STARTED: dict[str, int | str | None] = {
    **{"waiting": 0, "done": None, "total": None, "progress_text": ""},
    **{"open_line": "", "log_warnings": 0, "log_errors": 0, "error_line": 0},
}
_LITERALS = {0: "0", None: "NULL", "": "''"}
_IS_START = f"j.to_status = '{Status.RUNNING}'"
_SET = [f"{column} = j.{source}" for column, source in COPIED.items()] + [
    f"{column} = CASE WHEN {_IS_START} THEN {_LITERALS[value]} ELSE {column} END"
    for column, value in STARTED.items()
]
_STATE = ("seq", "tag", "status", "cancel_requested", "started_at", "ended_at")
JOB = (*_STATE, "deadline_at", "due_at", "key_number", "key_since")
CHARGED = ("failures", "crashes", "interruptions", "not_before")
USED = ("exit_code", "peak_memory", "peak_is_shared", "cpu_seconds")  # of usage.Usage
ENDED = ("ended_at", "verdict", "result", "error", "traceback", *USED)

# One row, unless another process has moved the job on from there. Secrets end with the job.
UPDATE_JOB = f"""
    UPDATE truestep_job SET {", ".join(f"{column} = :job.{column}" for column in JOB)},
        sealed = CASE WHEN :job.ended_at IS NULL THEN sealed ELSE '' END
    WHERE id = :job.id AND seq = :base_seq AND tag = :base_tag
"""
# One row, as long as the attempt holds its step and the log ends where the tail begins.
UPDATE_LOG = """
    UPDATE truestep_step SET log_lines = :tail.last, done = coalesce(:tail.done, done),
        total = coalesce(:tail.total, total),
        progress_text = coalesce(:tail.progress_text, progress_text),
        open_line = :tail.open_line, log_warnings = :tail.warnings, log_errors = :tail.errors,
        error_line = :tail.error_line
    WHERE id = :tail.step_id AND fence = :tail.fence AND tag = :tail.tag
        AND log_lines = :tail.before
"""
# Any number of steps: each becomes what its entry in this batch says. With the LIMIT, only the
# index by job and seq is good, also before there are statistics.
MOVE_STEPS = f"""
    UPDATE truestep_step SET fence = fence + 1, not_before = NULL, {", ".join(_SET)}
    FROM (
        SELECT * FROM truestep_transition WHERE job_id = :job.id AND seq > :base_seq
        ORDER BY seq LIMIT :job.seq - :base_seq
    ) AS j
    WHERE j.kind = '{Kind.MOVE}'
        AND truestep_step.id = j.step_id AND truestep_step.status = j.from_status
"""
CHARGE_STEP = f"""
    UPDATE truestep_step SET {", ".join(f"{column} = :step.{column}" for column in CHARGED)}
    WHERE id = :step.id
"""
# Those that this batch moved are charged with nothing, and wait for what is undone.
TAKE_BACK_STEPS = f"""
    UPDATE truestep_step SET failures = 0, crashes = 0, interruptions = 0, waiting = (
        SELECT count(*) FROM truestep_need AS n
        JOIN truestep_step AS needed ON needed.id = n.needed_id
        WHERE n.step_id = truestep_step.id AND needed.status <> '{Status.SUCCEEDED}'
    )
    WHERE job_id = :job.id AND seq > :base_seq
"""
# A job that waits for its key has no free step: each waits for one thing more.
LOCK_STEPS = f"""
    UPDATE truestep_step SET waiting = 1
    WHERE job_id = :job.id AND seq > :base_seq AND status = '{Status.PENDING}' AND waiting = 0
"""
# It has the key now: those that wait for nothing else are free.
UNLOCK_STEPS = f"""
    UPDATE truestep_step SET waiting = 0, seq = :unlocked_at
    WHERE job_id = :job.id AND status || '' = '{Status.PENDING}' AND waiting + 0 = 1
        AND NOT EXISTS (
            SELECT 1 FROM truestep_need AS n JOIN truestep_step AS needed ON needed.id = n.needed_id
            WHERE n.step_id = truestep_step.id AND needed.status || '' <> '{Status.SUCCEEDED}'
        )
"""
# The steps that needed this one, which has succeeded, wait for one step less. ``status || ''``
# keeps PostgreSQL from its index: with late statistics it would read every pending step by it.
FREE_STEPS = f"""
    UPDATE truestep_step SET waiting = waiting - 1, seq = :success.seq
    WHERE status || '' = '{Status.PENDING}'
        AND id IN (SELECT step_id FROM truestep_need WHERE needed_id = :success.step_id)
"""
# Where rows are inserted, and what happens to those that exist: an attempt has begun, and ends.
INSERTS = {
    "jobs": Job,
    "steps": Step,
    "needs": Need,
    "entries": Transition,
    "chunks": LogChunk,
    "attempts": Attempt,
}
ON_CONFLICT = {
    "attempts": "ON CONFLICT (step_id, number) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in ENDED)
}

VALUE = re.compile(r":([a-z_]+)(?:\.([a-z_]+))?")


def bind(text: str, values: Mapping[str, Any]) -> Statement:
    """The statement with its values, which are in rows by name or stand alone."""
    sql, names = _placed(text)
    return sql, [values[row][column] if column else values[row] for row, column in names]


@cache
def _placed(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The text with a placeholder for each value, and their names in that order."""
    return VALUE.sub("%s", text), VALUE.findall(text)


def insert(name: str, rows: Sequence[Row]) -> Iterator[Statement]:
    """Insert rows of one kind, if there are any; their primary keys stay unknown."""
    for start in range(0, len(rows), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        yield _insert(name, len(some)), [value for row in some for value in row.values()]


@cache
def _insert(name: str, count: int) -> str:
    columns = columns_of(INSERTS[name])
    rows = ", ".join([f"({placeholders(columns)})"] * count)
    return f"{insert_into(name)} VALUES {rows} {ON_CONFLICT.get(name, '')}"


def insert_into(name: str) -> str:
    """``INSERT INTO table (column, …)``"""
    model = INSERTS[name]
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns_of(model))})"
