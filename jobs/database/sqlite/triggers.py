"""Rules as SQLite's triggers, and the rules that only SQLite needs."""

from __future__ import annotations

from ..rules import Rule


def create(rule: Rule) -> str:
    return (
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} "
        f"WHEN {rule.when} AND ({rule.condition}) BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
    )


def drop(rule: Rule) -> str:
    return f"DROP TRIGGER IF EXISTS {rule.name}"


INSTALLED = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def _created_once(name: str, table: str, *keys: str) -> Rule:
    """INSERT OR REPLACE would replace a row without an UPDATE that could be refused.

    PostgreSQL has nothing like it: there the constraints of the table say the same. Each of *keys*
    has an index, which an OR inside one lookup would not use.
    """
    lookups = (" AND ".join(f"t.{column} = NEW.{column}" for column in key.split()) for key in keys)
    return Rule(
        name,
        table,
        "INSERT",
        "TRUE",
        " OR ".join(f"EXISTS (SELECT 1 FROM {table} AS t WHERE {lookup})" for lookup in lookups),
        "truestep: this row exists; a row is created once",
    )


CREATED_ONCE = (
    _created_once("truestep_job_born_once", "truestep_job", "id", "uuid"),
    _created_once(
        "truestep_step_born_once", "truestep_step", "id", "job_id name", "job_id position"
    ),
    _created_once("truestep_journal_born_once", "truestep_transition", "id", "job_id seq"),
)
