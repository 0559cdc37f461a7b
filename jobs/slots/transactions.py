"""What a step has left open in the databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

IDLE, OPEN, LOST = 0, 2, 4  # as PostgreSQL numbers them; 1 and 3 are open transactions, too


def roll_back() -> Iterator[str]:
    """Roll back every open transaction of Django's connections; the alias of each.

    Its connection is closed, so that it is made again, in autocommit, by whoever uses it next; and
    so is one that is lost, or that the step has closed behind Django's back.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        status = _status(connection)
        if status or connection.get_autocommit() != connection.settings_dict["AUTOCOMMIT"]:
            _close(connection)
        if status not in (IDLE, LOST):
            yield connection.alias


def _status(connection: BaseDatabaseWrapper) -> int:
    """Also of a transaction that was begun in SQL, of which Django knows nothing."""
    raw = connection.connection
    if connection.in_atomic_block:
        return OPEN
    if connection.vendor == "sqlite":
        try:
            return OPEN if raw.in_transaction else IDLE
        except raw.ProgrammingError:
            return LOST
    if connection.vendor == "postgresql":
        return int(raw.info.transaction_status)  # also of psycopg2
    return IDLE if connection.autocommit else OPEN


def _close(connection: BaseDatabaseWrapper) -> None:
    with suppress(Exception):  # to close it ends the transaction, too
        connection.connection.rollback()
    connection.in_atomic_block = False  # else it stays the closed connection of a broken block
    connection.close()


def holds_lock() -> bool:
    """Whether a connection of the step's own can write to the file of a SQLite database.

    Nobody else can then, and only the end of the process lets go of it.
    """
    files = {inode for connection in connections.all() for inode in _inodes(connection)}
    if not files:
        return False
    held = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    mine = (words for words in held if words[3:5] == ["WRITE", str(os.getpid())])
    return any(int(words[5].rpartition(":")[2]) in files for words in mine)


def _inodes(connection: BaseDatabaseWrapper) -> Iterator[int]:
    """Of the files that SQLite locks: the database, and the index of its write-ahead log."""
    if connection.vendor == "sqlite":
        for ending in ("", "-shm"):
            with suppress(OSError):  # in memory, or not there
                yield os.stat(f"{connection.settings_dict['NAME']}{ending}").st_ino
