"""Makes the database busy, full, read-only or older than it was, as far as others can see."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from tests.support import in_threads, journal, wait_for

OURS = (
    "truestep_job",
    "truestep_step",
    "truestep_need",
    "truestep_attempt",
    "truestep_transition",
    "truestep_logchunk",
    "truestep_worker",
)


SECONDS = 90  # for what takes a moment on an idle machine
ONCE = [("pending", "running"), ("running", "succeeded")]  # the moves of a step that ran once


class DatabaseFaults:
    """Of the test run's database, for child processes that run with ``env``."""

    def __init__(self, directory: Path) -> None:
        self._wanted = directory / "trouble"
        self._wanted.write_text("")
        self._copy = directory / "copy.sqlite3"
        self.env = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.failing_sqlite_settings",
            "TRUESTEP_TROUBLE": str(self._wanted),
        }

    @contextmanager
    def busy(self):
        """Another connection holds the lock that every writer needs."""
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute("BEGIN IMMEDIATE")
                else:
                    cursor.execute(f"BEGIN; LOCK TABLE {', '.join(OURS)} IN EXCLUSIVE MODE")
                yield
                cursor.execute("ROLLBACK")
        finally:
            other.close()

    @contextmanager
    def full(self):
        """The disk is full."""
        if connection.vendor == "sqlite":
            leave_no_page_free()
            with self._want("full"):
                yield
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
                "'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; "
                "CREATE TRIGGER no_room BEFORE INSERT ON truestep_transition "
                "EXECUTE FUNCTION no_room()"
            )
            try:
                yield
            finally:
                cursor.execute("DROP FUNCTION no_room CASCADE")

    @contextmanager
    def read_only(self):
        """As after a failover to a server that only follows another one."""
        if connection.vendor == "sqlite":
            with self._want("read-only"):
                yield
            return
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
                end_other_sessions()
                yield
            finally:
                cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
                end_other_sessions()

    @contextmanager
    def _want(self, trouble: str):
        self._wanted.write_text(trouble)
        try:
            yield
        finally:
            self._wanted.write_text("")

    # -- an older copy

    def copy(self) -> None:
        """Copy the current state."""
        if connection.vendor == "sqlite":
            copy = connection.Database.connect(self._copy)
            in_threads(lambda: self._back_up(connection, copy))
            copy.close()
            return
        with connection.cursor() as cursor:
            for table in OURS:
                cursor.execute(f"CREATE TABLE copy_of_{table} AS TABLE {table}")

    def restore(self) -> None:
        """Restore the copy while all processes use the database."""
        if connection.vendor == "sqlite":
            copy = connection.Database.connect(self._copy)
            connection.close()
            live = connection.Database.connect(connection.settings_dict["NAME"])
            live.execute("PRAGMA busy_timeout = 20000")
            copy.backup(live)
            live.close()
            copy.close()
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"LOCK TABLE {', '.join(OURS)}")
            for table in OURS:
                cursor.execute(f"DELETE FROM {table}")
                cursor.execute(f"INSERT INTO {table} SELECT * FROM copy_of_{table}")

    def replace(self, close: bool = True) -> None:
        """Replace the live file by the copy, which is another file."""
        path = Path(connection.settings_dict["NAME"])
        if close:
            connection.close()
        fresh = path.with_suffix(".fresh")
        fresh.write_bytes(self._copy.read_bytes())
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        os.rename(fresh, path)

    def forget(self) -> None:
        """Drop the copy."""
        if connection.vendor != "sqlite":
            with connection.cursor() as cursor:
                for table in OURS:
                    cursor.execute(f"DROP TABLE IF EXISTS copy_of_{table}")

    def _back_up(self, live, copy) -> None:
        live.ensure_connection()
        live.connection.backup(copy)


def leave_no_page_free() -> None:
    """What earlier tests have deleted would be room."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


def end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def complaint(process, words: str) -> str:
    """The line with these words on the process's standard error."""
    return wait_for(
        lambda: next((line for line in process.errors if words in line), None),
        SECONDS,
        f"{words!r} in {process.errors}",
    )


def moves_of(job, name: str) -> list[tuple[str, str]]:
    """The status changes of a step, from the journal."""
    return [(old, new) for step, old, new in journal(job) if step == name]
