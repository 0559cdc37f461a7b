"""Leads a program that another one has started, over its standard input.

Bytes wake it or ask it to stop. When the leader is gone, however it ended, the input ends, and that
asks it to stop, too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

_WAKE, _STOP = b".", b"!"


class Leash:
    """The leader's end: the *writable* end of a pipe, which is this object's own."""

    def __init__(self, writable: int) -> None:
        self._writable = writable
        os.set_blocking(writable, False)

    def wake(self) -> None:
        """Never waits and never raises."""
        self._write(_WAKE)

    def stop(self) -> None:
        """Ask it to stop; the second time, without waiting for anything."""
        self._write(_STOP)

    def close(self) -> None:
        """Let go. Safe to repeat; a fork of the leader must do so."""
        if self._writable >= 0:
            os.close(self._writable)
            self._writable = -1

    def _write(self, byte: bytes) -> None:
        try:
            os.write(self._writable, byte)
        except OSError:
            return  # it is gone, or as much as a pipe can hold is still unread


def follow(wake: Callable[[], None], stop: Callable[[int], None]) -> None:
    """The program's end: call *wake* and *stop* from a thread as the leader asks.

    *stop* is called with how often the leader has asked. Standard input is empty from now on.
    """
    leash = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(
        target=_obey, args=(leash, wake, stop), name="truestep-leash", daemon=True
    ).start()


def _obey(leash: int, wake: Callable[[], None], stop: Callable[[int], None]) -> None:
    stops = 0
    while data := os.read(leash, 4096):
        stops += data.count(_STOP)
        if _STOP in data:
            stop(stops)
        else:
            wake()
    stop(max(stops, 1))
