"""All that is stored, as bytes in which a test can search."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from jobs import conf


def stored() -> Iterator[tuple[str, bytes]]:
    """The files of the database, or its tables as text, and those of the run directory, by name."""
    if connection.vendor == "sqlite":
        for path in Path(settings.TEST_DIR).glob("*.sqlite3*"):
            # By another process: to close the file in this one would drop SQLite's locks.
            yield path.name, subprocess.check_output(["cat", path])
    else:
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} AS t")
                yield table, "\n".join(text for (text,) in cursor.fetchall()).encode()
    for path in Path(conf.knobs().run_directory).rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()


def where(text: str) -> list[str]:
    """The names of what has the text in it."""
    return [name for name, data in stored() if text.encode() in data]
