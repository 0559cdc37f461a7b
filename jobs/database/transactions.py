"""Short transactions, whole snapshots, and a fair turn for every writer."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import OperationalError, connections
from django.db.models import QuerySet

from ..exceptions import DatabaseBusy, InsideTransaction
from .dialects import dialect, dialect_of
from .errors import DATABASE_ERRORS, name, outage_of
from .holders import holder
from .outages import Outage
from .routing import alias, atomic, connection
from .timeouts import current_lock_timeout, limited, lock_timeout

MOST = 0.9  # of the lock timeout: a write that fails after less did not wait for a lock


@contextmanager
def write(*, is_one_statement: bool = False) -> Iterator[None]:
    """One short, durable write transaction.

    A block that runs one statement only is one without BEGIN and COMMIT, two round trips less.

    Raises DatabaseBusy when another process holds a lock for as long as the lock timeout, and
    InsideTransaction when the caller has a transaction open.
    """
    began = time.monotonic()
    timeout = current_lock_timeout()
    with _turn(timeout):
        dialect().follow()
        left = timeout - (time.monotonic() - began)
        try:
            with ExitStack() as stack:
                if left < timeout * MOST:
                    stack.enter_context(limited(left))
                if not (is_one_statement and _is_free()):
                    stack.enter_context(_durable())
                yield
        except OperationalError as error:
            has_waited = time.monotonic() - began > timeout * MOST
            if has_waited and _is_locked_out(error):
                raise DatabaseBusy(name(), holder()) from error
            raise


@contextmanager
def _turn(seconds: float) -> Iterator[None]:
    """Inside, it is this writer's turn. A transaction that is open has had its turn already."""
    with ExitStack() as stack:
        if not connection.in_atomic_block:
            try:
                stack.enter_context(dialect().turn(seconds))
            except TimeoutError:
                raise DatabaseBusy(name(), holder()) from None
        yield


def _is_locked_out(error: OperationalError) -> bool:
    return outage_of(error) is Outage.BUSY and not dialect().is_conflict(error)


def _is_free() -> bool:
    """Whether the next statement is a transaction by itself."""
    return connection.get_autocommit() and not connection.in_atomic_block


@contextmanager
def _durable() -> Iterator[None]:
    """A transaction that is committed at its end, whatever the caller does afterwards."""
    with ExitStack() as stack:
        try:
            stack.enter_context(atomic(durable=True))
        except RuntimeError as error:  # inside transaction.atomic()
            raise InsideTransaction(alias()) from error
        if not connection.commit_on_exit:  # after set_autocommit(False)
            raise InsideTransaction(alias())
        yield


@contextmanager
def snapshot(using: str | None = None) -> Iterator[None]:
    """Every read inside sees one state of Truestep's database, or of the one named.

    Inside a transaction or another snapshot, this is that one.
    """
    its = connections[using or alias()]
    if its.in_atomic_block:
        yield
        return
    with dialect_of(its).snapshot():
        yield


def is_locked(rows: QuerySet[Any]) -> bool:
    """Whether an update of these rows would have to wait for a lock now."""
    try:
        with lock_timeout(0), write():
            list(rows.select_for_update(nowait=True))
    except DATABASE_ERRORS as error:
        if outage_of(error) is not Outage.BUSY:
            raise
        return True
    return False


def execute(sql: str, params: Sequence[Any]) -> int:
    """Run one statement, in a transaction or by itself; the number of rows it changed.

    The text must not depend on values: it is prepared where the database can do that.
    """
    return dialect().execute(sql, params)


def select(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows that one statement selects. It is prepared as in ``execute``."""
    return dialect().select(sql, params)


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """The rows that a statement selects."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def placeholders(values: Collection[Any]) -> str:
    """``%s, %s, …``: one for each value."""
    return ", ".join(["%s"] * len(values))


def reconnect() -> None:
    """Close the connection and make a new one now. Raises what the database raises."""
    connection.close()
    connection.ensure_connection()


def discard_broken_connection() -> None:
    """Close a connection that an error has left unusable; the next query makes a new one."""
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.errors_occurred = False
        if not dialect().is_usable():
            connection.close()
