"""Who holds the lock that every writer of the database waits for.

SQLite does not say, but the kernel does: ``/proc/locks`` names the process that has locked the byte
of a writer. The database's files are never opened for this: when a process closes a file, it loses
all its POSIX locks on it, those of SQLite's own descriptors, too. PostgreSQL is asked.

A process that a worker of this host started belongs to the step that the worker says.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from django.db import DatabaseError, InterfaceError

from .. import local_steps
from ..local_steps import LocalStep
from .routing import connection

Words = list[str | datetime]  # a sentence; whoever shows it writes the moments in it

WAL_WRITE_LOCK = 120  # the byte of the -shm file that the one writer locks
RESERVED_LOCK = 0x40000001  # … and that of the database file, without a WAL
LOOKS, LOOK_SECONDS = 6, 0.02  # who holds the lock at each of them holds it for long
KNOWN_SECONDS = 1.0
MOST_CHARACTERS = 63  # PostgreSQL cuts longer names of applications
_APPLICATION = re.compile(r"truestep step (\d+)@(.+)")


@dataclass(frozen=True)
class Holder:
    """A process that keeps all others from writing."""

    name: str
    entry: LocalStep | None = None  # the step that it belongs to

    def words(self) -> Words:
        """For a sentence; a moment is shown to each reader in the own time zone."""
        if self.entry is None:
            return [self.name]
        return [f"{self.name} ({self.entry.definition}), which runs since ", self.entry.since]

    def __str__(self) -> str:
        return "".join(
            word if isinstance(word, str) else f"{word.astimezone(UTC):%H:%M:%S} UTC"
            for word in self.words()
        )


def application_name() -> str:
    """What a step's connections to PostgreSQL are called there, unless the project says more."""
    return f"truestep step {os.getpid()}@{socket.gethostname()}"[:MOST_CHARACTERS]


def holder() -> Holder | None:
    """Who holds the lock now; None when it is free, or this system does not tell."""
    if connection.vendor == "sqlite":
        return _of_process(pid) if (pid := _writer()) else None
    return _of_session()


_known: tuple[float, Holder | None] = (-KNOWN_SECONDS, None)


def long_holder() -> Holder | None:
    """Who holds the lock for longer than Truestep itself ever does, as of the last second."""
    global _known
    looked_at, found = _known
    if time.monotonic() - looked_at >= KNOWN_SECONDS:
        found = _long_holder()
        _known = (time.monotonic(), found)
    return found


def _long_holder() -> Holder | None:
    first = holder()
    if connection.vendor == "sqlite":
        for _ in range(LOOKS - 1):
            if first is None or holder() != first:
                return None
            time.sleep(LOOK_SECONDS)
    return first


def words() -> Words:
    """A sentence about whoever holds the lock for long; empty when nobody does."""
    found = long_holder()
    if found is None:
        return []
    return [
        "The database is locked by ",
        *found.words(),
        ". What others do meanwhile is kept, and written afterwards.",
    ]


# --- SQLite ---------------------------------------------------------------------------------------


def _writer() -> int | None:
    """The process that writes to the database file, or is about to."""
    path = str(connection.settings_dict["NAME"])
    wanted = [
        (inode, byte)
        for suffix, byte in (("-shm", WAL_WRITE_LOCK), ("", RESERVED_LOCK))
        if (inode := _inode_of(path + suffix))
    ]
    for pid, inode, first, last in _write_locks():
        if any(inode == its and first <= byte <= last for its, byte in wanted):
            return pid
    return None


def _inode_of(path: str) -> str | None:
    """As the kernel's table writes it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _write_locks() -> Iterator[tuple[int, str, int, float]]:
    """(process, file, first byte, last byte) of each; those of other containers are not told."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, "POSIX" | "OFDLCK", _, "WRITE", pid, inode, first, last] if int(pid) > 0:
                yield int(pid), inode, int(first), float("inf" if last == "EOF" else last)


def _of_process(pid: int) -> Holder:
    family = {pid, *_ancestors(pid)}
    for entry in local_steps.read_all():
        if entry.pid in family:
            return Holder(f"step {entry.step} of job {entry.job}", entry)
    return Holder(f"process {pid} ({_command(pid)})")


def _ancestors(pid: int) -> list[int]:
    try:
        return [parent.pid for parent in psutil.Process(pid).parents()]
    except psutil.Error:
        return []


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())[:80] or "no command"
    except psutil.Error:
        return "it has just ended"


# --- PostgreSQL -----------------------------------------------------------------------------------

# Truestep's own transactions are over sooner than this.
_OLDEST_WRITER = """
    SELECT a.pid, a.application_name
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a USING (pid) JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.granted AND l.mode <> 'AccessShareLock' AND c.relname LIKE 'truestep\\_%%'
    AND a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND a.xact_start < clock_timestamp() - interval '1 second'
    ORDER BY a.xact_start LIMIT 1
"""


def _of_session() -> Holder | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_OLDEST_WRITER)
            found = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return None
    if found is None:
        return None
    pid, application = found
    if told := _APPLICATION.match(application):
        if socket.gethostname().startswith(told[2]):
            return _of_process(int(told[1]))
        return Holder(f"a step in process {told[1]} on host {told[2]}")
    return Holder(f"session {pid} of the database server ({application or 'it has no name'})")
