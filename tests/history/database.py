"""A database of its own that release 0.1.0 made, of the kind that the tests run on."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection

from tests.support import ROOT

HERE = Path(__file__).parent
RELEASE = HERE / "release_0_1_0"


class OldDatabase:
    """Everything is done to it as an operator does: by commands, in processes of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.kind = "sqlite" if url.startswith("sqlite") else "postgresql"

    def told_before(self) -> Any:
        """What the release showed of it."""
        return json.loads((RELEASE / f"{self.kind}.json").read_text())

    def told_now(self) -> Any:
        done = self._run(str(HERE / "tell.py"))
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("manage.py", *arguments)

    def migrate(self, *arguments: str) -> str:
        """Returns what the command prints."""
        done = self.manage("migrate", *arguments)
        assert not done.returncode, done.stderr
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "tests.history.settings",
            "PYTHONPATH": str(ROOT),
        }

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | self.environment
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    def load(self) -> None:
        script = (RELEASE / f"{self.kind}.sql").read_text()
        if self.kind == "sqlite":
            with self._connection() as its:
                its.executescript(script)
        else:
            self.execute(script)

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Parameters are written ``%s``."""
        with self._connection() as its:
            if self.kind == "sqlite":
                return its.execute(sql.replace("%s", "?"), values).fetchall()
            cursor = its.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if self.kind == "sqlite":
            its: Any = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
        else:
            its = psycopg.connect(self.url, autocommit=True)
        try:
            yield its
        finally:
            its.close()

    def journal(self, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of every entry, in order."""
        return self.execute(
            f"SELECT {', '.join(columns)} FROM truestep_transition ORDER BY job_id, seq"
        )

    def state(self) -> list[list[tuple[Any, ...]]]:
        """Everything that a migration could change: rows, columns, triggers, what was applied."""
        tables = ("job", "step", "need", "attempt", "transition", "logchunk", "worker")
        queries = [f"SELECT * FROM truestep_{table} ORDER BY id" for table in tables]
        queries.append("SELECT app, name FROM django_migrations ORDER BY id")
        queries.append(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
            if self.kind == "sqlite"
            else "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        )
        return [self.execute(query) for query in queries]


@contextmanager
def old_database(directory: Path) -> Iterator[OldDatabase]:
    if connection.vendor == "sqlite":
        found = OldDatabase(f"sqlite:///{directory}/old.sqlite3")
        found.load()
        yield found
        return
    its = connection.settings_dict
    server = f"postgres://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT']}"
    name = f"truestep_old_{uuid4().hex[:8]}"
    admin = OldDatabase(f"{server}/{its['NAME']}")
    admin.execute(f"CREATE DATABASE {name}")
    try:
        found = OldDatabase(f"{server}/{name}")
        found.load()
        yield found
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
