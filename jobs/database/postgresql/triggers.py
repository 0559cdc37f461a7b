"""Rules as PostgreSQL's triggers, and the triggers that notify of commits."""

from __future__ import annotations

from ..rules import Rule

CHANNEL = "truestep"  # of the notifications

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
    body = f"NOTIFY {CHANNEL}; RETURN NULL;"
    return [
        *_function_and_trigger("truestep_news", "AFTER INSERT ON truestep_transition", body),
        *_function_and_trigger(
            "truestep_step_news", "AFTER INSERT OR UPDATE ON truestep_step", body
        ),
    ]


def _function_and_trigger(name: str, event: str, body: str, options: str = "") -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {options} AS "
        f"$truestep$ BEGIN {body} END $truestep$",
        f"CREATE OR REPLACE TRIGGER {name} {event} EXECUTE FUNCTION {name}()",
    ]
