"""Give each entry that an older release wrote its code and data, as its sentence tells them.

All other columns stay as they are. An entry that cannot be read gets the code ``text``. It is one
transaction, during which nothing else writes to the journal: workers must be stopped before. At the
end, ``audit`` compares the rows with the journal.

A million entries took 104 s on SQLite and 187 s on PostgreSQL, on two busy cores; in memory are some
thousands at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connections, migrations, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate

from ._journal import AT_ONCE, Written, facts
from ._workers import living

MOST_AUDITED = 50_000  # entries; of more, it only says to run ``audit``: that would take minutes
GUARD = "truestep_journal_unchanged"


def add_codes(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    entries = apps.get_model("truestep", "Transition").objects.using(connection.alias)
    if not entries.filter(code="").exists():
        return
    with transaction.atomic(connection.alias), unguarded(connection):
        found = facts(connection)
        while some := list(islice(found, AT_ONCE)):
            write(connection, some)
    audit_at_the_end(entries)


@contextmanager
def unguarded(connection: Any) -> Iterator[None]:
    """Without the trigger that keeps each entry as it is. Afterwards it is as before.

    On SQLite there is none meanwhile: ``migrate`` drops all triggers, and makes them at its end.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT 'ALTER TABLE truestep_transition DISABLE TRIGGER ' || tgname, "
                "'ALTER TABLE truestep_transition ENABLE TRIGGER ' || tgname FROM pg_trigger "
                "WHERE tgname = %s AND tgrelid = 'truestep_transition'::regclass",
                [GUARD],
            )
        else:
            cursor.execute(
                "SELECT 'DROP TRIGGER ' || name, sql FROM sqlite_master WHERE name = %s", [GUARD]
            )
        switches = cursor.fetchone()
        if switches:
            cursor.execute(switches[0])
        yield
        if switches:
            cursor.execute(switches[1])


def write(connection: Any, some: list[Written]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "UPDATE truestep_transition AS t SET code = new.code, data = new.data "
                "FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(code, data, id) "
                "WHERE t.id = new.id",
                [list(column) for column in zip(*some, strict=True)],
            )
        else:
            cursor.executemany(
                "UPDATE truestep_transition SET code = %s, data = %s WHERE id = %s", some
            )


def audit_at_the_end(entries: Any) -> None:
    """Once every migration is through: the command reads rows as they are then."""
    total, unread = entries.count(), entries.filter(code="text").count()

    def audit(using: str, app_config: Any, stdout: Any = None, **kwargs: Any) -> None:
        if using != entries.db or app_config.label != "truestep":
            return
        post_migrate.disconnect(dispatch_uid=GUARD)
        out = stdout or sys.stdout
        out.write(f"{total:,} journal entries have codes; {unread:,} of them keep their text.\n")
        if total > MOST_AUDITED or more_to_come(entries.db):
            out.write("Now compare the rows with the journal: manage.py audit\n")
            return
        try:
            call_command("audit", stdout=out)
        except SystemExit:  # it has said what differs
            out.write("They differed before, too: this migration changes no status.\n")

    post_migrate.connect(audit, weak=False, dispatch_uid=GUARD)


def more_to_come(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes("truestep")))


class Migration(migrations.Migration):
    atomic = False  # it has a transaction of its own, which begins once it is known to be needed

    dependencies = [("truestep", "0008_codes_and_data")]

    operations = [migrations.RunPython(add_codes, migrations.RunPython.noop)]

    def before_migrate(self, connection: Any) -> None:
        """Refuse while workers live, before anything is changed."""
        if crew := living(connection):
            raise CommandError(
                "Workers write to the journal, which this migration rewrites: "
                f"{', '.join(crew)}. Nothing was changed. Stop them (SIGTERM: their steps go back "
                "to the queue), then run migrate again."
            )
