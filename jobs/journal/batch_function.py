"""On PostgreSQL a batch is one call of a function, which is made of the same statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError

from ..models import Transition
from . import statements
from .function import Function
from .rows import columns_of
from .statements import INSERTS, ON_CONFLICT, VALUE


class Collision(Exception):
    """Another process wrote to this job since the state was read."""


class LogMoved(Exception):
    """The step's log does not end where its attempt remembers: the database was restored."""


_COLLISION, _LOG_MOVED = "TS001", "TS002"  # the SQLSTATE of what the function raises
_NO_SUCH_ROW = "23503"  # … and of a broken foreign key: that of a deleted job's entry
_TAKEN = {"journal_seq_once_per_job", "job_key_number_once"}  # constraints


def _code(text: str) -> str:
    """A statement whose values are variables of the function."""
    return VALUE.sub(lambda name: name[0][1:], text).strip() + ";"


def _insert(name: str) -> str:
    """Insert the rows of one kind that the batch has."""
    columns, table = ", ".join(columns_of(INSERTS[name])), INSERTS[name]._meta.db_table
    return f"""
    IF batch ? '{name}' THEN
        {statements.insert_into(name)}
        SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, batch->'{name}')
        {ON_CONFLICT.get(name, "")};
    END IF;"""


WRITE = Function(
    "batch",
    "void",
    f"""
DECLARE
    base_seq bigint := batch->>'base_seq';
    base_tag text := batch->>'base_tag';
    unlocked_at bigint := batch->>'unlocked_at';
    job record;
    tail record;
    step record;
    success record;
    moved bigint;
BEGIN
    job := jsonb_populate_record(NULL::truestep_job, batch->'job');
    {_insert("entries")}
    {_code(statements.UPDATE_JOB)}
    IF NOT FOUND THEN
        RAISE 'the job has moved on' USING ERRCODE = '{_COLLISION}';
    END IF;
    FOR tail IN SELECT * FROM jsonb_to_recordset(batch->'tails') AS t(
        step_id bigint, fence bigint, tag text, before bigint, last bigint,
        done float8, total float8, progress_text text,
        open_line text, warnings bigint, errors bigint, error_line bigint
    ) LOOP
        {_code(statements.UPDATE_LOG)}
        IF NOT FOUND THEN
            RAISE 'the log has moved' USING ERRCODE = '{_LOG_MOVED}';
        END IF;
    END LOOP;
    {_insert("chunks")}
    IF batch ? 'moved' THEN
        {_code(statements.MOVE_STEPS)}
        GET DIAGNOSTICS moved = ROW_COUNT;
        IF moved <> (batch->>'moved')::bigint THEN
            RAISE 'a step has moved on' USING ERRCODE = '{_COLLISION}';
        END IF;
    END IF;
    FOR step IN SELECT * FROM jsonb_populate_recordset(NULL::truestep_step, batch->'charged') LOOP
        {_code(statements.CHARGE_STEP)}
    END LOOP;
    IF batch ? 'takes_back' THEN
        {_code(statements.TAKE_BACK_STEPS)}
    END IF;
    IF batch ? 'locks' THEN
        {_code(statements.LOCK_STEPS)}
    END IF;
    IF batch ? 'unlocked_at' THEN
        {_code(statements.UNLOCK_STEPS)}
    END IF;
    FOR success IN
        SELECT * FROM jsonb_to_recordset(batch->'successes') AS s(step_id bigint, seq bigint)
    LOOP
        {_code(statements.FREE_STEPS)}
    END LOOP;
    {_insert("attempts")}
END
""",
)


def write(*batches: Mapping[str, Any]) -> None:
    """Write what batches consist of, by one statement. Raises Collision and LogMoved."""
    try:
        WRITE.call(*batches)
    except DatabaseError as error:
        cause: Any = error.__cause__
        raised = getattr(cause, "sqlstate", "")
        is_taken = constraint_of(error) in _TAKEN
        is_gone = raised == _NO_SUCH_ROW and cause.diag.table_name == Transition._meta.db_table
        if raised == _COLLISION or is_taken or is_gone:
            raise Collision(str(error)) from error
        if raised == _LOG_MOVED:
            raise LogMoved from error
        raise


def constraint_of(error: DatabaseError) -> str:
    """The constraint that PostgreSQL names in an error."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
