"""Wakes a thread that waits in a selector, from another thread or from a signal handler."""

from __future__ import annotations

import os
from contextlib import suppress


class Wakeup:
    """Readable from ``wake`` until ``clear``. Closed with the object."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._fd

    def wake(self) -> None:
        with suppress(BlockingIOError):  # it is readable already
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def __del__(self) -> None:
        os.close(self._fd)
