"""The database's own guard: no status changes without the journal entry that says so.

``queryset.update()``, a stale ``save()``, ``bulk_create`` with a status and raw SQL all meet these
triggers. A rule is one SQL condition in words that both databases understand; only its wrapping
differs.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from . import database
from .database import NEWS, connection
from .exceptions import DatabaseUnusable, TriggersMissing


@dataclass(frozen=True)
class Rule:
    """Refuse *event* on *table* when *condition* holds (NEW and OLD are the row's two states)."""

    name: str
    table: str
    event: str  # INSERT, UPDATE
    condition: str
    message: str
    vendor: str = ""  # of the only database that needs it; empty: all do


def _journaled(subject: str, seq: str) -> str:
    return (
        "NOT EXISTS (SELECT 1 FROM truestep_transition AS j WHERE j.kind = 'move' "
        f"AND {subject} AND j.to_status = NEW.status AND {seq})"
    )


def _step_journaled(old: str = "") -> str:
    """As an entry with the step's own number. It is found in the order of numbers, which only the
    index by job and number has: without statistics PostgreSQL takes others for as good.
    """
    entry = (
        "SELECT * FROM truestep_transition WHERE job_id = NEW.job_id AND seq >= NEW.seq "
        "ORDER BY seq LIMIT 1"
    )
    return (
        f"NOT EXISTS (SELECT 1 FROM ({entry}) AS j WHERE j.kind = 'move' AND j.seq = NEW.seq "
        f"AND j.step_id = NEW.id AND j.to_status = NEW.status{old})"
    )


def _born_once(name: str, table: str, *keys: str) -> Rule:
    """SQLite's INSERT OR REPLACE would replace a row without an UPDATE that could be refused.

    PostgreSQL has nothing like it: there the constraints of the table say the same. Each of *keys*
    has an index, which an OR inside one lookup would not use.
    """
    return Rule(
        name,
        table,
        "INSERT",
        " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} AS t WHERE "
            + " AND ".join(f"t.{column} = NEW.{column}" for column in key.split())
            + ")"
            for key in keys
        ),
        "truestep: this row is written already; a row is born once",
        vendor="sqlite",
    )


_JOB = "j.job_id = NEW.id AND j.step_id IS NULL"
_CHANGED = "NEW.status <> OLD.status AND (NEW.seq <= OLD.seq OR {journaled})"

RULES: tuple[Rule, ...] = (
    Rule(
        "truestep_job_birth",
        "truestep_job",
        "INSERT",
        "NEW.status <> 'pending' AND " + _journaled(_JOB, "j.seq <= NEW.seq"),
        "truestep: a job is born pending; only transitions.py moves it on",
    ),
    Rule(
        "truestep_step_birth",
        "truestep_step",
        "INSERT",
        "NEW.status <> 'pending' AND " + _step_journaled(),
        "truestep: a step is born pending; only transitions.py moves it on",
    ),
    Rule(
        "truestep_job_status",
        "truestep_job",
        "UPDATE",
        _CHANGED.format(
            journaled=_journaled(
                _JOB + " AND j.from_status = OLD.status", "j.seq > OLD.seq AND j.seq <= NEW.seq"
            )
        ),
        "truestep: a job status changes only with its journal entry; use jobs.orchestrator",
    ),
    Rule(
        "truestep_step_status",
        "truestep_step",
        "UPDATE",
        _CHANGED.format(journaled=_step_journaled(" AND j.from_status = OLD.status")),
        "truestep: a step status changes only with its journal entry; use jobs.orchestrator",
    ),
    Rule(
        "truestep_job_seq",
        "truestep_job",
        "UPDATE",
        "NEW.seq < OLD.seq OR (NEW.seq > OLD.seq AND NOT EXISTS (SELECT 1 FROM "
        "truestep_transition AS j WHERE j.job_id = NEW.id AND j.seq = NEW.seq "
        "AND j.tag = NEW.tag))",
        "truestep: seq never falls and rises only with the journal; this row is stale",
    ),
    Rule(
        "truestep_step_seq",
        "truestep_step",
        "UPDATE",
        "NEW.seq < OLD.seq OR NEW.fence < OLD.fence",
        "truestep: seq and fence of a step never fall; this row is stale",
    ),
    _born_once("truestep_job_born_once", "truestep_job", "id", "uuid"),
    _born_once("truestep_step_born_once", "truestep_step", "id", "job_id name", "job_id position"),
    _born_once("truestep_journal_born_once", "truestep_transition", "id", "job_id seq"),
    Rule(
        "truestep_journal_unchanged",
        "truestep_transition",
        "UPDATE",
        "1 = 1",
        "truestep: a journal entry is never changed",
    ),
)


def rules_of(vendor: str) -> list[Rule]:
    """The rules that a database of this kind has to keep."""
    return [rule for rule in RULES if rule.vendor in ("", vendor)]


def install() -> None:
    """Create every trigger anew; harmless to repeat. Run after each ``migrate``."""
    if "truestep_transition" not in connection.introspection.table_names():
        return  # migrated back to nothing
    with connection.cursor() as cursor:
        for rule in RULES:
            cursor.execute(_drop(rule, connection.vendor))
        for rule in rules_of(connection.vendor):
            for statement in _create(rule, connection.vendor):
                cursor.execute(statement)
        for statement in _news(connection.vendor):
            cursor.execute(statement)


def make_way() -> None:
    """Before migrations: SQLite does not rebuild a table that another table's trigger names."""
    if connection.vendor == "sqlite":
        remove()


def remove() -> None:
    """Drop every trigger."""
    with connection.cursor() as cursor:
        for rule in RULES:
            cursor.execute(_drop(rule, connection.vendor))


def require() -> None:
    """Raises TriggersMissing, naming them, unless every trigger is in place."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    if missing := [rule.name for rule in rules_of(connection.vendor) if rule.name not in present]:
        raise TriggersMissing(missing, database.migrate_command())


def require_ready() -> None:
    """Raises NotReady, saying why and what to do, unless jobs can be written to the database."""
    database.require_sound()
    try:
        require()
    except database.TROUBLE as error:
        raise DatabaseUnusable(database.explain(error)) from error
    database.require_writable()


_PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND pg_table_is_visible(tgrelid)",
}


def _drop(rule: Rule, vendor: str) -> str:
    of_table = "" if vendor == "sqlite" else f" ON {rule.table}"
    return f"DROP TRIGGER IF EXISTS {rule.name}{of_table}"


def _create(rule: Rule, vendor: str) -> list[str]:
    match vendor:
        case "sqlite":
            return [
                f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} "
                f"WHEN {rule.condition} BEGIN SELECT RAISE(ABORT, '{rule.message}'); END",
            ]
        case "postgresql":
            return _plpgsql(
                rule.name,
                f"BEFORE {rule.event} ON {rule.table} FOR EACH ROW",
                f"IF {rule.condition} THEN RAISE EXCEPTION '{rule.message}' "
                "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW;",
                _BY_INDEX,
            )
    raise ImproperlyConfigured(
        f"Truestep guards its rows with triggers, which it does not have for {vendor}. "
        "Use PostgreSQL or SQLite."
    )


def _news(vendor: str) -> list[str]:
    """PostgreSQL tells who listens that a job was written to; on SQLite, ``data_version`` does."""
    if vendor != "postgresql":
        return []
    body = f"NOTIFY {NEWS}; RETURN NULL;"
    return [
        *_plpgsql("truestep_news", "AFTER INSERT ON truestep_transition", body),
        *_plpgsql("truestep_step_news", "AFTER INSERT OR UPDATE ON truestep_step", body),
    ]


# A connection keeps the plan that it made first, maybe for a table that was tiny then.
_BY_INDEX = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off"


def _plpgsql(name: str, occasion: str, body: str, options: str = "") -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {options} AS "
        f"$truestep$ BEGIN {body} END $truestep$",
        f"CREATE OR REPLACE TRIGGER {name} {occasion} EXECUTE FUNCTION {name}()",
    ]
