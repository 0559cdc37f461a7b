"""On PostgreSQL a launch is one call of a function, which does what ``birth`` does on SQLite."""

from __future__ import annotations

from ..intents import DELETED_PER_INTENT
from ..models import Job, Step, Transition
from .function import Function
from .rows import columns_of


def _columns(model: type[Job | Step | Transition]) -> str:
    """All columns that an INSERT fills, except the job's id, which is not known yet."""
    return ", ".join(name for name in columns_of(model) if name != "job_id")


# No step of a job that waits for its key is free.
_LOCKED = _columns(Step).replace(
    "waiting", "CASE WHEN job->>'key_number' = '0' AND waiting = 0 THEN 1 ELSE waiting END"
)

LAUNCH = Function(
    "launch",
    "SETOF bigint",
    f"""
DECLARE
    job jsonb;
    new_id bigint;
    intent jsonb := batch->'intent';
BEGIN
    FOR job IN SELECT * FROM jsonb_array_elements(batch->'jobs') LOOP
        INSERT INTO truestep_job ({_columns(Job)})
        SELECT {_columns(Job)} FROM jsonb_populate_record(NULL::truestep_job, job)
        RETURNING id INTO new_id;

        INSERT INTO truestep_step (job_id, {_columns(Step)})
        SELECT new_id, {_LOCKED}
        FROM jsonb_populate_recordset(NULL::truestep_step, batch->'steps');

        INSERT INTO truestep_need (step_id, needed_id)
        SELECT step.id, needed.id
        FROM jsonb_to_recordset(batch->'needs') AS need(step bigint, needed bigint)
        JOIN truestep_step AS step ON step.job_id = new_id AND step.position = need.step
        JOIN truestep_step AS needed ON needed.job_id = new_id AND needed.position = need.needed;

        INSERT INTO truestep_transition (job_id, {_columns(Transition)})
        SELECT new_id, {_columns(Transition)}
        FROM jsonb_populate_record(NULL::truestep_transition, job->'birth');

        RETURN NEXT new_id;
    END LOOP;
    IF intent IS NOT NULL THEN
        INSERT INTO truestep_intent (digest, at, result)
        VALUES (intent->>'digest', (intent->>'at')::timestamptz, new_id::text);

        DELETE FROM truestep_intent WHERE id IN (
            SELECT id FROM truestep_intent
            WHERE at < (intent->>'oldest_kept')::timestamptz
            ORDER BY at LIMIT {DELETED_PER_INTENT} FOR UPDATE SKIP LOCKED
        );
    END IF;
END
""",
)
