"""Changes of files and folders, as the Linux kernel reports them."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import NamedTuple

MODIFY = 0x002
CLOSE_WRITE = 0x008
MOVED_TO = 0x080
CREATE = 0x100
DELETE = 0x200
OVERFLOW = 0x4000  # events were lost
IGNORED = 0x8000  # what was watched is gone
ONESHOT = 0x80000000  # watch until the first event

_HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name
_READ_BYTES = 64 * 1024


class Event(NamedTuple):
    watch: int  # as ``add`` returned it; -1 for OVERFLOW
    mask: int
    name: str  # of the file in a watched folder; empty for a watched file itself


class Inotify:
    """Watches files and folders. A selector can wait for it."""

    def __init__(self) -> None:
        """Raises OSError when the user has no instance left."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = _checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(self, path: str, mask: int) -> int:
        """Watch what is at *path* now, even after it is renamed. Safe to repeat.

        Raises FileNotFoundError, and OSError when the user has no watch left.
        """
        return _checked(self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask))

    def fileno(self) -> int:
        return self._fd

    def events(self) -> list[Event]:
        """The events since the last call, in order."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return []
        found = []
        start = 0
        while start < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, start)
            start += _HEADER.size + length
            name = data[start - length : start].rstrip(b"\0")
            found.append(Event(watch, mask, os.fsdecode(name)))
        return found

    def close(self) -> None:
        """Safe to repeat."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
