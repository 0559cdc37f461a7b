"""Rules as PostgreSQL's triggers, and the triggers that notify of commits."""

from __future__ import annotations

from ..rules import Rule

NEWS = "truestep"  # the channel that tells of each commit about jobs
WORK = "truestep_work"  # the one for workers: a step is ready, or a person asks for something

INSTALLED = (
    "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND pg_table_is_visible(tgrelid)"
)
# A connection keeps the plan that it made first, which may have been for a tiny table.
_BY_INDEX = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off"

# Foreign keys are checked by triggers, too. Checked at the end of a statement instead of at COMMIT,
# they are planned as the function says that runs the statement.
CHECK_AT_ONCE = """
    DO $truestep$ DECLARE its record; BEGIN
        FOR its IN SELECT conrelid::regclass AS table, conname AS name FROM pg_constraint
            JOIN pg_class ON pg_class.oid = conrelid
            WHERE contype = 'f' AND condeferred AND relname LIKE 'truestep\\_%'
            AND pg_table_is_visible(conrelid)
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I '
                'DEFERRABLE INITIALLY IMMEDIATE', its.table, its.name);
        END LOOP;
    END $truestep$
"""

_IF = "FOR EACH ROW WHEN"
_IS_READY = "NEW.status = 'pending' AND NEW.waiting = 0"
_IS_CANCELLED = "NEW.cancel_requested AND NOT OLD.cancel_requested"
_IS_ASKED = "NEW.answered_at IS NULL"
_IS_ORDERED = "NEW.wanted <> OLD.wanted"
_NOTIFICATIONS = (
    ("truestep_news", NEWS, "INSERT ON truestep_transition"),
    ("truestep_log_news", NEWS, f"UPDATE ON truestep_step {_IF} (NEW.seq = OLD.seq)"),
    ("truestep_birth", WORK, f"INSERT ON truestep_transition {_IF} (NEW.kind = 'birth')"),
    ("truestep_ready", WORK, f"UPDATE ON truestep_step {_IF} ({_IS_READY})"),
    ("truestep_asked", WORK, f"INSERT OR UPDATE ON truestep_stackrequest {_IF} ({_IS_ASKED})"),
    ("truestep_queue_work", WORK, "INSERT OR UPDATE ON truestep_queue"),
    ("truestep_worker_work", WORK, f"UPDATE ON truestep_worker {_IF} ({_IS_ORDERED})"),
    ("truestep_cancel", WORK, f"UPDATE ON truestep_job {_IF} ({_IS_CANCELLED})"),
)


def create(rule: Rule) -> list[str]:
    return _function_and_trigger(
        rule.name,
        f"BEFORE {rule.event} ON {rule.table} FOR EACH ROW WHEN ({rule.when})",
        f"IF {rule.condition} THEN RAISE EXCEPTION '{rule.message}' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW;",
        _BY_INDEX,
    )


def drop(rule: Rule) -> str:
    return f"DROP TRIGGER IF EXISTS {rule.name} ON {rule.table}"


def create_notifications() -> list[str]:
    return [
        "DROP FUNCTION IF EXISTS truestep_step_news() CASCADE",  # of release 0.1
        *(
            statement
            for name, channel, event in _NOTIFICATIONS
            for statement in _function_and_trigger(
                name, f"AFTER {event}", f"NOTIFY {channel}; RETURN NULL;"
            )
        ),
    ]


def _function_and_trigger(name: str, event: str, body: str, options: str = "") -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {options} AS "
        f"$truestep$ BEGIN {body} END $truestep$",
        f"CREATE OR REPLACE TRIGGER {name} {event} EXECUTE FUNCTION {name}()",
    ]
