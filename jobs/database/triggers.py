"""Installs the triggers of all rules, removes them, and requires them."""

from __future__ import annotations

import re
from typing import Any

from ..exceptions import TriggersMissing
from .dialects import dialect
from .routing import connection, migrate_command


def install() -> None:
    """Create every trigger, replacing those that exist. Run after each ``migrate``."""
    if "truestep_transition" not in connection.introspection.table_names():
        return  # migrated back to nothing
    remove()
    its = dialect()
    statements = [each for rule in its.rules for each in its.create_trigger(rule)]
    with connection.cursor() as cursor:
        columns = _columns(cursor)
        for statement in (*statements, *its.create_notifications()):
            if _fits(statement, columns):
                cursor.execute(statement)
        for statement in its.check_foreign_keys_at_once():
            cursor.execute(statement)


def _columns(cursor: Any) -> dict[str, set[str]]:
    """The columns of each table of Truestep."""
    inspect = connection.introspection
    return {
        table: {column.name for column in inspect.get_table_description(cursor, table)}
        for table in inspect.table_names(cursor)
        if table.startswith("truestep_")
    }


def _fits(statement: str, columns: dict[str, set[str]]) -> bool:
    """Whether what a trigger names is there: not after a migration back to an older release."""
    trigger = re.search(r"\bTRIGGER\b.*?\bON (truestep_\w+)", statement, re.DOTALL)
    if trigger is None:
        return True
    named = set(re.findall(r"\b(?:NEW|OLD)\.(\w+)", statement))
    return trigger[1] in columns and named <= columns[trigger[1]]


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
