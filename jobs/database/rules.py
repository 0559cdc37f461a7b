"""The rules that a database itself keeps: no status without the journal entry that says so.

``queryset.update()``, a stale ``save()``, ``bulk_create`` with a status and raw SQL all meet the
triggers made of these rules. A rule is one SQL condition in words that every database understands;
each dialect makes a trigger of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Refuse *event* on *table* when both conditions hold (NEW and OLD are the row's two states).

    *when* needs no query: the database sees by the row alone that most changes are harmless.
    """

    name: str
    table: str
    event: str  # INSERT, UPDATE
    when: str
    condition: str
    message: str


def _journaled(job: str, subject: str, old: str = "") -> str:
    """By the entry with the row's own seq.

    It is looked up in the order of seq, which only the index by job and seq has: without
    statistics PostgreSQL would take another index for as good.
    """
    entry = (
        f"SELECT * FROM truestep_transition WHERE job_id = {job} AND seq >= NEW.seq "
        "ORDER BY seq LIMIT 1"
    )
    return (
        f"NOT EXISTS (SELECT 1 FROM ({entry}) AS j WHERE j.kind = 'move' AND j.seq = NEW.seq "
        f"AND {subject} AND j.to_status = NEW.status{old})"
    )


_JOB = ("NEW.id", "j.step_id IS NULL")
_STEP = ("NEW.job_id", "j.step_id = NEW.id")
_OLD = " AND j.from_status = OLD.status"
_CHANGED = "NEW.status <> OLD.status"
_ORDERED = (
    "NOT EXISTS (SELECT 1 FROM truestep_order AS o WHERE o.number = NEW.order_id AND o.code = "
    "CASE WHEN NEW.is_paused THEN 'queue.paused' ELSE 'queue.resumed' END)"
)
_WANTED = (
    "NEW.order_id IS NULL OR NEW.order_id <= COALESCE(OLD.order_id, 0) OR NOT EXISTS ("
    "SELECT 1 FROM truestep_order AS o WHERE o.number = NEW.order_id AND o.code = CASE "
    "WHEN NEW.wanted = 'work' THEN 'worker.resumed' WHEN NEW.wanted = 'drain' THEN "
    "'worker.drained' ELSE 'worker.stopped' END)"
)
_UNJOURNALED = "NEW.seq <= OLD.seq OR {journaled}"

RULES: tuple[Rule, ...] = (
    Rule(
        "truestep_job_birth",
        "truestep_job",
        "INSERT",
        "NEW.status <> 'pending'",
        "NOT EXISTS (SELECT 1 FROM truestep_transition AS j "
        "WHERE j.kind = 'move' AND j.job_id = NEW.id AND j.step_id IS NULL "
        "AND j.to_status = NEW.status AND j.seq <= NEW.seq)",
        "truestep: a job is created pending; only the journal moves it on",
    ),
    Rule(
        "truestep_step_birth",
        "truestep_step",
        "INSERT",
        "NEW.status <> 'pending'",
        _journaled(*_STEP),
        "truestep: a step is created pending; only the journal moves it on",
    ),
    Rule(
        "truestep_job_status",
        "truestep_job",
        "UPDATE",
        _CHANGED,
        _UNJOURNALED.format(journaled=_journaled(*_JOB, _OLD)),
        "truestep: a job status changes only with its journal entry",
    ),
    Rule(
        "truestep_step_status",
        "truestep_step",
        "UPDATE",
        _CHANGED,
        _UNJOURNALED.format(journaled=_journaled(*_STEP, _OLD)),
        "truestep: a step status changes only with its journal entry",
    ),
    Rule(
        "truestep_job_seq",
        "truestep_job",
        "UPDATE",
        "NEW.seq <> OLD.seq",
        "NEW.seq < OLD.seq OR NOT EXISTS (SELECT 1 FROM truestep_transition AS j "
        "WHERE j.job_id = NEW.id AND j.seq = NEW.seq AND j.tag = NEW.tag)",
        "truestep: seq never falls and rises only with the journal; this row is stale",
    ),
    Rule(
        "truestep_job_key",
        "truestep_job",
        "UPDATE",
        "NEW.key <> OLD.key OR NEW.key_number <> OLD.key_number",
        "NEW.key <> OLD.key OR NEW.seq <= OLD.seq",
        "truestep: a job gets its key only with a journal entry",
    ),
    Rule(
        "truestep_step_seq",
        "truestep_step",
        "UPDATE",
        "NEW.seq < OLD.seq OR NEW.fence < OLD.fence",
        "TRUE",
        "truestep: seq and fence of a step never fall; this row is stale",
    ),
    Rule(
        "truestep_journal_unchanged",
        "truestep_transition",
        "UPDATE",
        "TRUE",
        "TRUE",
        "truestep: a journal entry is never changed",
    ),
    Rule(
        "truestep_order_unchanged",
        "truestep_order",
        "UPDATE",
        "TRUE",
        "TRUE",
        "truestep: an order is never changed",
    ),
    Rule(
        "truestep_queue_birth",
        "truestep_queue",
        "INSERT",
        "NEW.is_paused",
        _ORDERED,
        "truestep: a queue is paused only by an order",
    ),
    Rule(
        "truestep_queue_order",
        "truestep_queue",
        "UPDATE",
        "NEW.is_paused <> OLD.is_paused",
        f"NEW.order_id <= COALESCE(OLD.order_id, 0) OR {_ORDERED}",
        "truestep: a queue is paused and resumed only by an order",
    ),
    Rule(
        "truestep_worker_order",
        "truestep_worker",
        "UPDATE",
        "NEW.wanted <> OLD.wanted",
        _WANTED,
        "truestep: a worker is drained and stopped only by an order",
    ),
)
