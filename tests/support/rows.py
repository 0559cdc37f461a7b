"""Rows of the database: looked up, compared, counted, emptied."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from jobs.journal.installing import FUNCTIONS
from jobs.models import Attempt, Intent, Job, LogChunk, Need, Order, Queue, Step, Transition
from jobs.statuses import Kind


def job_of(pk: int) -> Job:
    return Job.objects.get(pk=pk)


def step_of(job: Job, name: str) -> Step:
    return Step.objects.get(job=job, name=name)


def log_of(job: Job, name: str) -> list[str]:
    """The lines of the step's log, of all attempts."""
    chunks = LogChunk.objects.filter(step=step_of(job, name)).order_by("first")
    return [line for chunk in chunks for line in chunk.lines()]


def statuses(job: Job) -> dict[str, str]:
    """The status of each step, by name."""
    return dict(job.steps.values_list("name", "status"))


def error_of(job: Job, name: str) -> str:
    """The error of the step's last attempt."""
    return Attempt.objects.filter(step=step_of(job, name)).latest("number").error


def verdicts(job: Job, name: str) -> list[str]:
    """How each attempt of the step ended, in order."""
    attempts = Attempt.objects.filter(step=step_of(job, name)).order_by("number")
    return list(attempts.values_list("verdict", flat=True))


def admin_url(model: type[Model], tail: str = "") -> str:
    return f"/admin/truestep/{model._meta.model_name}/{tail}"


def journal(job: Job) -> list[tuple[str | None, str, str]]:
    """(step or None, from, to) of each move, in order."""
    moves = Transition.objects.filter(job=job, kind=Kind.MOVE).order_by("seq")
    return list(moves.values_list("step__name", "from_status", "to_status"))


def rows() -> dict[str, list[tuple]]:
    """Every row of Truestep: equal before and after means that nothing was written."""
    models = (Job, Step, Need, Attempt, Transition, LogChunk, Intent, Queue, Order)
    return {m.__name__: list(m.objects.order_by("pk").values_list()) for m in models}


@contextmanager
def rows_as_they_lie() -> Iterator[None]:
    """On PostgreSQL: queries read tables through, as the planner may choose at any time."""
    with connection.cursor() as cursor:
        for path in ("indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET enable_{path} = off")
        try:
            yield
        finally:
            cursor.execute("RESET ALL")


def number_rows_from(first: int) -> None:
    """Rows of Truestep made from now on have this number or a higher one."""
    tables = [model._meta.db_table for model in (Job, Step, Attempt, Transition)]
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = %s", [table])
                [last] = cursor.fetchone()
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
                    [table, max(last or 0, first - 1)],
                )
            else:
                sequence = "pg_get_serial_sequence(%s, 'id')"
                cursor.execute(
                    f"SELECT setval({sequence}, greatest(%s, nextval({sequence})))",
                    [table, first - 1, table],
                )


def drop_trigger(name: str, table: str) -> None:
    """Drop one of the guards; ``triggers.install`` restores it."""
    of_table = "" if connection.vendor == "sqlite" else f" ON {table}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{of_table}")


def empty_tables() -> None:
    """Delete every row but those that migrations make."""
    deletes = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in _tables_to_empty()]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")  # checks no foreign key
            deletes = ["; ".join(deletes)]
        for delete in deletes:
            cursor.execute(delete)


@functools.cache
def _tables_to_empty() -> list[str]:
    made_by_migrations = {"django_migrations", "django_content_type", "auth_permission"}
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - made_by_migrations)


class Cost(CaptureQueriesContext):
    """What a block of code asks of the database: its commits, and its statements beside them."""

    def __init__(self) -> None:
        super().__init__(connection)

    @property
    def commits(self) -> int:
        """On PostgreSQL also those of functions, a call of which is one."""
        commits, is_open = 0, False
        for query in self:
            sql = query["sql"]
            commits += sql.startswith("COMMIT") or (is_call(sql) and not is_open)
            is_open = sql.startswith("BEGIN") or (is_open and not sql.startswith(("COM", "ROLLB")))
        return commits

    @property
    def statements(self) -> list[str]:
        control = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
        return [query["sql"] for query in self if not query["sql"].startswith(control)]


class Instructions:
    """Counts what SQLite does for a block of code, in instructions of its machine.

    It depends on the rows that statements go through, and not on how quick the machine is.
    """

    GRAIN = 10

    def __enter__(self) -> Instructions:
        self.count = 0
        connection.ensure_connection()
        connection.connection.set_progress_handler(self._tick, self.GRAIN)
        return self

    def __exit__(self, *error: object) -> None:
        connection.connection.set_progress_handler(None, self.GRAIN)

    def _tick(self) -> None:
        self.count += self.GRAIN


def is_call(sql: str) -> bool:
    """Whether the statement calls a function that writes a batch or launches jobs."""
    return any(f"SELECT {function.name}(" in sql for function in FUNCTIONS)
