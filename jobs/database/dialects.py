"""Chooses the dialect of a connection: the only place that asks a connection for its vendor."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .commits import WAKE_UPS, CommitWatch
from .dialect import Dialect, GenericDialect
from .postgresql import PostgreSQL
from .routing import alias
from .sqlite import SQLite

DIALECTS: dict[str, type[Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite}


def dialect_of(connection: BaseDatabaseWrapper) -> GenericDialect:
    """The dialect of any connection of the project."""
    return DIALECTS.get(connection.vendor, GenericDialect)(connection)


def dialect(connection: BaseDatabaseWrapper | None = None) -> Dialect:
    """The dialect of this thread's connection to Truestep's database, or of another one to it.

    Raises ImproperlyConfigured when Truestep does not know this kind of database.
    """
    connection = connection or connections[alias()]
    found = dialect_of(connection)
    if not isinstance(found, Dialect):
        raise ImproperlyConfigured(
            "Truestep guards its rows with triggers, which it does not have for "
            f"{connection.vendor}. Use PostgreSQL or SQLite."
        )
    return found


def raised_by(error: BaseException) -> type[Dialect]:
    """The dialect whose driver raised *error*: users may be in another database than jobs."""
    if error.__cause__ is None:
        return type(dialect())
    return next(each for each in DIALECTS.values() if each.raised(error.__cause__))


def watch_commits(wake_ups: int = WAKE_UPS, *, of_work: bool = False) -> CommitWatch:
    """A watch for commits of other connections, for the calling thread.

    It wakes the thread at most *wake_ups* times a second; *of_work* only for what a worker waits
    for, if the database can tell: a step that is ready, or a cancel.
    """
    return dialect().watch_commits(wake_ups, of_work=of_work)
