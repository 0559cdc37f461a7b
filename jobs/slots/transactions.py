"""Transactions and locks that a step has left open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import TransactionState, dialect_of


def roll_back() -> Iterator[str]:
    """Roll back every open transaction of Django's connections; yield the alias of each.

    The connection is closed, so that its next use opens a new one, in autocommit. So is a
    connection that is lost, or that the step has closed without Django.
    """
    for connection in _open_connections():
        state = dialect_of(connection).transaction_state()
        is_clean = connection.get_autocommit() == connection.settings_dict["AUTOCOMMIT"]
        if state is not TransactionState.NONE or not is_clean:
            _close(connection)
        if state is TransactionState.OPEN:
            yield connection.alias


def close_connections() -> None:
    """Before the process ends: a database server notes a session that ends without a word."""
    for connection in _open_connections():
        connection.close()


def _open_connections() -> Iterator[BaseDatabaseWrapper]:
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            yield connection


def _close(connection: BaseDatabaseWrapper) -> None:
    with suppress(Exception):  # closing it ends the transaction, too
        connection.connection.rollback()
    connection.in_atomic_block = False  # otherwise Django would keep the closed connection
    connection.close()


def holds_lock() -> bool:
    """Whether a connection of the step's own keeps others from writing to a SQLite database.

    Only the end of the process releases such a lock.
    """
    return any(dialect_of(connection).blocks_writers() for connection in connections.all())
