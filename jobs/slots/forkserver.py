"""The engine's end of the fork server: a process that only forks slots.

It is forked from the engine's process before that has threads or database connections, with every
app loaded. So a slot starts in milliseconds and inherits nothing that must not be shared.
``forking`` is the other end.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections

from ..system import processes
from . import forking

GONE = "The fork server is gone; this worker cannot run steps any more."


@dataclass(frozen=True)
class Fork:
    """A requested slot has been forked; forks come in the order of the requests."""

    pid: int


@dataclass(frozen=True)
class Exit:
    """A slot has ended. *code* is its exit code, or minus the number of a signal."""

    pid: int
    code: int
    by_server: bool = False  # killed because the engine's lease ended
    peak: int = 0  # KiB: the most that it, or a child that it waited for, held at a time
    cpu: float = 0.0  # seconds


class ForkServer:
    """Every method but ``close`` raises ConnectionError, with clear words, when it is gone."""

    def __init__(self) -> None:
        connections.close_all()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        processes.adopt_orphans()  # if the server is killed, its slots come to this process
        mine, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            mine.close()
            forking.main(theirs)
        theirs.close()
        self._control = mine
        self._received = b""

    def fileno(self) -> int:
        return self._control.fileno()

    def request_slot(self, conversation: socket.socket, output: int) -> None:
        """Have a slot forked that talks over *conversation* and prints to *output*."""
        with _clear_words():
            socket.send_fds(self._control, [forking.FORK], [conversation.fileno(), output])

    def beat(self) -> None:
        """Send a heartbeat; without one for a lease, the slots are killed."""
        with _clear_words():
            self._control.sendall(forking.BEAT)

    def hold(self, lock: int) -> None:
        """Hold the worker's lock, too, until no slot is left. It replaces an earlier lock."""
        with _clear_words():
            socket.send_fds(self._control, [forking.HOLD], [lock])

    def has_events(self) -> bool:
        """Whether ``events`` would return at once."""
        return bool(select.select([self._control], [], [], 0)[0])

    def events(self) -> list[Fork | Exit]:
        """The forks and exits since the last call, in order. Waits until there is one."""
        data = self._control.recv(65536)
        if not data:
            raise ConnectionError(GONE)
        *lines, self._received = (self._received + data).split(b"\n")
        return [_event(*map(int, line.split())) for line in lines]

    def close(self) -> None:
        """End the server, every slot and all that they started; wait until they are gone.

        Safe to repeat.
        """
        if self._control.fileno() >= 0:
            self._control.close()
            os.waitpid(self.pid, 0)
            processes.kill_descendants(os.getpid())


@contextmanager
def _clear_words() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise ConnectionError(GONE) from error


def _event(
    pid: int, code: int | None = None, by_server: int = 0, peak: int = 0, cpu: int = 0
) -> Fork | Exit:
    return Fork(pid) if code is None else Exit(pid, code, bool(by_server), peak, cpu / 10**6)
