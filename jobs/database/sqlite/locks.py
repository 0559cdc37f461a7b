"""Which process holds the lock of a SQLite file's one writer.

SQLite does not say, but the kernel does: ``/proc/locks`` names the process that has locked the byte
of a writer. The database's files are never opened for this: when a process closes a file, it loses
all its POSIX locks on it, those of SQLite's own descriptors, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WAL_WRITE_LOCK = 120  # the byte of the -shm file that the one writer locks
RESERVED_LOCK = 0x40000001  # … and that of the database file, without a WAL
WRITER_BYTES = (("-shm", WAL_WRITE_LOCK), ("", RESERVED_LOCK))


class Lock(NamedTuple):
    """A write lock on some bytes of a file."""

    pid: int
    file: str  # as the kernel's table writes it: major:minor:inode
    first: int
    last: float  # infinite for the end of the file


def writer(path: str) -> int | None:
    """The process that writes to the database file, or is about to."""
    wanted = [
        (file, byte) for suffix, byte in WRITER_BYTES if (file := _file_number(path + suffix))
    ]
    for lock in _write_locks():
        if any(lock.file == file and lock.first <= byte <= lock.last for file, byte in wanted):
            return lock.pid
    return None


def is_held_here(path: str) -> bool:
    """Whether this process holds any write lock on the database's files."""
    # Without the device: on some file systems the kernel's table has another one than ``stat``.
    files = (_file_number(path + suffix) for suffix, _ in WRITER_BYTES)
    inodes = {_inode(file) for file in files if file}
    if inodes.isdisjoint(_open_inodes()):  # usual, and quicker than the table of the whole host
        return False
    here = os.getpid()
    return any(lock.pid == here and _inode(lock.file) in inodes for lock in _write_locks())


def _open_inodes() -> set[int]:
    """Those of the files that this process has open; without an open file it has no lock."""
    try:
        with os.scandir("/proc/self/fd") as entries:
            return {os.fstat(int(entry.name)).st_ino for entry in entries}
    except OSError:  # nothing like Linux
        return set()


def _file_number(path: str) -> str | None:
    """As the kernel's table writes it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _inode(file: str) -> int:
    return int(file.rpartition(":")[2])


def _write_locks() -> Iterator[Lock]:
    """Those of other containers are not in the table."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, "POSIX" | "OFDLCK", _, "WRITE", pid, file, first, last] if int(pid) > 0:
                yield Lock(int(pid), file, int(first), float("inf" if last == "EOF" else last))
