"""How Truestep reads and writes: short transactions, whole snapshots, a fair turn for all."""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from .exceptions import DatabaseBusy

TICKET_SECONDS = 20.0
_SQLSTATES_WORTH_A_RETRY = {"40001", "40P01"}  # serialization failure, deadlock


@contextmanager
def write() -> Iterator[None]:
    """One short, durable write transaction.

    SQLite's busy handler is unfair: of several busy writers most starve. A file lock beside the
    database gives each writer its turn. Raises DatabaseBusy after 20 s without one.
    """
    with _ticket(), transaction.atomic(durable=True):
        yield


@contextmanager
def snapshot() -> Iterator[None]:
    """Every read inside sees one state of the database.

    On SQLite this begins DEFERRED although writes begin IMMEDIATE: a reader must never wait for a
    writer.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        connection.ensure_connection()
        if connection.connection.in_transaction:  # inside another snapshot
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def is_passing(error: BaseException) -> bool:
    """True for an error that the same transaction may not meet again: busy, deadlock."""
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state in _SQLSTATES_WORTH_A_RETRY or "locked" in str(error)


class CommitWatch:
    """Tells whether anybody else has committed since the last look, for 4 µs a look on SQLite.

    ``PRAGMA data_version`` changes when another connection commits, in this process or another,
    and not for this connection's own commits. Other databases have no such counter: there every
    look after *pause* seconds says yes.
    """

    def __init__(self, pause: float = 0.1) -> None:
        self._pause = pause
        self._looked = 0.0
        self._version: int | None = None

    def changed(self) -> bool:
        if connection.vendor != "sqlite":
            now = time.monotonic()
            due = now - self._looked >= self._pause
            self._looked = now if due else self._looked
            return due
        with connection.cursor() as cursor:
            version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
        changed = version != self._version
        self._version = version
        return changed


@contextmanager
def _ticket() -> Iterator[None]:
    path = _ticket_path()
    if path is None or connection.in_atomic_block:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_turn(handle, path)
        yield
    finally:
        os.close(handle)


def _ticket_path() -> str | None:
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return f"{connection.settings_dict['NAME']}-ticket"


def _wait_for_turn(handle: int, path: str) -> None:
    deadline = time.monotonic() + TICKET_SECONDS
    pause = 0.0002
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseBusy(TICKET_SECONDS, path.removesuffix("-ticket")) from None
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, 0.005)
