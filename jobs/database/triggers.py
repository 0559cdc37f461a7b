"""Installs the triggers of all rules, removes them, and requires them."""

from __future__ import annotations

from ..exceptions import TriggersMissing
from .dialects import dialect
from .routing import connection, migrate_command


def install() -> None:
    """Create every trigger, replacing those that exist. Run after each ``migrate``."""
    if "truestep_transition" not in connection.introspection.table_names():
        return  # migrated back to nothing
    remove()
    its = dialect()
    with connection.cursor() as cursor:
        for rule in its.rules:
            for statement in its.create_trigger(rule):
                cursor.execute(statement)
        for statement in (*its.create_notifications(), *its.check_foreign_keys_at_once()):
            cursor.execute(statement)


def remove() -> None:
    """Drop every trigger."""
    its = dialect()
    with connection.cursor() as cursor:
        for rule in its.rules:
            cursor.execute(its.drop_trigger(rule))


def remove_before_migrations() -> None:
    """SQLite does not rebuild a table that another table's trigger names."""
    if dialect().rebuilds_tables:
        remove()


def require() -> None:
    """Raises TriggersMissing, naming them, unless every trigger is in force."""
    its = dialect()
    with connection.cursor() as cursor:
        cursor.execute(its.installed_triggers())
        present = {name for (name,) in cursor.fetchall()}
    if missing := [rule.name for rule in its.rules if rule.name not in present]:
        raise TriggersMissing(missing, migrate_command())
