"""Makes a long history out of a short one, in SQL, also for benchmarks."""

from __future__ import annotations

from django.db import connection

# The tables of a history and their columns with an id, each with the table that the id is of.
# A job's again_of_id stays: sentences name the older job.
TABLES = {
    "job": {"id": "job"},
    "step": {"id": "step", "job_id": "job"},
    "need": {"id": "need", "step_id": "step", "needed_id": "step"},
    "attempt": {"id": "attempt", "step_id": "step"},
    "transition": {"id": "transition", "job_id": "job", "step_id": "step"},
    "logchunk": {"id": "logchunk", "step_id": "step"},
}
NEW_UUID = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}


def copy_history(times: int) -> None:
    """Add *times* copies of every job and of its rows. Their triggers have to be off."""
    with connection.cursor() as cursor:
        highest = {}
        for table in TABLES:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM truestep_{table}")
            (highest[table],) = cursor.fetchone()
        for table, ids in TABLES.items():
            cursor.execute(f"SELECT * FROM truestep_{table} LIMIT 0")
            values = {name: f'"{name}"' for name, *_ in cursor.description}
            values |= {column: f"{column} + nth * {highest[of]}" for column, of in ids.items()}
            if "uuid" in values:
                values["uuid"] = NEW_UUID[connection.vendor]
            columns = ", ".join(f'"{column}"' for column in values)
            cursor.execute(
                "WITH RECURSIVE copies(nth) AS "
                f"(SELECT 1 UNION ALL SELECT nth + 1 FROM copies WHERE nth < {times}) "
                f"INSERT INTO truestep_{table} ({columns}) "
                f"SELECT {', '.join(values.values())} FROM copies CROSS JOIN truestep_{table}"
            )
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), coalesce(max(id), 1)) "
                    f"FROM truestep_{table}",
                    [f"truestep_{table}"],
                )
