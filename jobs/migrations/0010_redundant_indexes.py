"""Drop the indexes of foreign keys whose column another index begins with.

No row is read or written, so it takes a moment whatever the tables hold: a few milliseconds at a
million entries. No table is rebuilt, on SQLite neither. PostgreSQL drops each index CONCURRENTLY:
workers and pages go on meanwhile, and it waits for transactions that still use the table.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

COLUMNS = {
    "attempt": ("step", "attempts", "step"),
    "logchunk": ("step", "log", "step"),
    "need": ("step", "needs", "step"),
    "step": ("job", "steps", "job"),
    "transition": ("job", "journal", "job"),
}  # model → field, its related name, and the model that it points to


def drop(apps: Any, schema_editor: Any) -> None:
    for model, (field, *_) in COLUMNS.items():
        rows = apps.get_model("truestep", model)
        for name in names(schema_editor.connection, rows, field):
            schema_editor.remove_index(
                rows, models.Index(fields=[field], name=name), **options(schema_editor)
            )


def create(apps: Any, schema_editor: Any) -> None:
    for model, (field, *_) in COLUMNS.items():
        rows = apps.get_model("truestep", model)
        index = models.Index(fields=[field])
        index.set_name_with_model(rows)
        schema_editor.add_index(rows, index, **options(schema_editor))


def names(connection: Any, rows: Any, field: str) -> list[str]:
    """Of the indexes on this column alone. Django has put a hash into them."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, rows._meta.db_table)
    column = rows._meta.get_field(field).column
    return [
        name
        for name, about in found.items()
        if about["columns"] == [column] and about["index"] and not about["unique"]
    ]


def options(schema_editor: Any) -> dict[str, bool]:
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    return {"concurrently": True} if is_postgresql else {}


class Migration(migrations.Migration):
    atomic = False  # each index is dropped by itself: no two tables are locked at once

    dependencies = [("truestep", "0009_codes_of_old_entries")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, create)],
            state_operations=[
                migrations.AlterField(
                    model,
                    field,
                    models.ForeignKey(
                        f"truestep.{to}",
                        models.CASCADE,
                        related_name=related_name,
                        db_index=False,
                    ),
                )
                for model, (field, related_name, to) in COLUMNS.items()
            ],
        )
    ]
