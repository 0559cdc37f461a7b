"""A process that does nothing but fork slots.

Forked from the engine's process before that has threads or database connections, with every app
loaded: a slot starts in milliseconds and inherits nothing that must not be shared. The engine asks
over a socket; the server answers with pids and, later, with how each slot ended. When the engine
is gone, however it went, the socket closes and the server kills every slot and everything they
started.

The engine also passes on each of its signs of life. When there was none for a lease, other workers
take it for dead: it may be frozen, or hang in the database. Then the server kills the slots, too.

It holds the worker's lock beside it, so that nobody finds the lock free before the slots are gone.
"""

from __future__ import annotations

import array
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from django.db import connections

from .. import conf
from ..system import processes
from . import slot

SPAWN, BEAT, HOLD = b"+", b".", b"="
GONE = "The fork server is gone; this worker cannot run steps any more."
IGNORED = (signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Birth:
    """A slot that was asked for has been forked; births come in the order of the questions."""

    pid: int


@dataclass(frozen=True)
class Exit:
    """How a slot ended: *code* is an exit code, or a signal number with a minus."""

    pid: int
    code: int
    by_server: bool  # killed because the engine showed no sign of life


class ForkServer:
    """The engine's end."""

    def __init__(self) -> None:
        connections.close_all()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        processes.adopt_orphans()  # what outlives a server that was killed comes to this process
        mine, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            mine.close()
            try:
                _Server(theirs).serve()
            finally:
                os._exit(1)
        theirs.close()
        self._control = mine
        self._rest = b""

    def fileno(self) -> int:
        return self._control.fileno()

    def ask_for_slot(self, conversation: socket.socket, output: int) -> None:
        """Fork a slot that talks over *conversation* and prints to *output*; ``news`` tells."""
        with _alive():
            socket.send_fds(self._control, [SPAWN], [conversation.fileno(), output])

    def beat(self) -> None:
        """Pass on a sign of life; without one for a lease, the slots are killed."""
        with _alive():
            self._control.sendall(BEAT)

    def hold(self, lock: int) -> None:
        """Hold the worker's lock, too, until nothing runs; it replaces an older one."""
        with _alive():
            socket.send_fds(self._control, [HOLD], [lock])

    def news(self) -> list[Birth | Exit]:
        """The slots that were forked or have ended since the last call, in order.

        Waits until there is news. Raises ConnectionError when the server is gone.
        """
        data = self._control.recv(65536)
        if not data:
            raise ConnectionError(GONE)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [_read(line) for line in lines]

    def close(self) -> None:
        """End the server, every slot and everything they started; returns when they are gone.

        Harmless to repeat.
        """
        if self._control.fileno() >= 0:
            self._control.close()
            os.waitpid(self.pid, 0)
            processes.kill_descendants(os.getpid())


@contextmanager
def _alive() -> Iterator[None]:
    """Talk to the server inside. Raises ConnectionError, with clear words, when it is gone."""
    try:
        yield
    except ConnectionError as error:
        raise ConnectionError(GONE) from error


def _read(line: bytes) -> Birth | Exit:
    message = json.loads(line)
    if "code" in message:
        return Exit(message["pid"], message["code"], message["by_server"])
    return Birth(message["pid"])


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._slots: set[int] = set()
        self._lease = conf.knobs().lease
        self._beaten_at = _clock()
        self._is_overdue = False
        self._is_over = False
        self._lock: int | None = None
        self._deaths, self._wake = _pipe()

    def serve(self) -> NoReturn:
        """Fork slots until the engine is gone; never returns."""
        os.setsid()  # Ctrl-C in the worker's terminal is the worker's business
        processes.adopt_orphans()
        for ignored in IGNORED:
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Blocked, not ignored: one that a slot gets before it can react has to wait, not vanish.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake)
        gc.disable()
        gc.collect()
        gc.freeze()  # a slot's collector would touch, and so copy, every page of the heap
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ, self._obey)
            selector.register(self._deaths, selectors.EVENT_READ, self._bury)
            while not self._is_over:
                self._turn(selector)
        processes.kill_descendants(os.getpid())
        os._exit(0)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        patience = max(0.0, self._beaten_at + self._lease - _clock()) if self._slots else None
        ready = [key.data for key, _ in selector.select(patience)]
        for react in (self._bury, self._obey):  # a beat after a death does not excuse it
            if react in ready:
                react()
        if self._obey not in ready:  # else a beat may be among what it has to say
            self._end_when_overdue()

    def _end_when_overdue(self) -> None:
        if self._slots and _clock() - self._beaten_at > self._lease:
            self._is_overdue = True
            processes.kill_descendants(os.getpid())
            self._beaten_at = _clock()

    # -- what the engine asks for

    def _obey(self) -> None:
        message, fds = _receive(self._control)
        if message == BEAT:
            self._beaten_at, self._is_overdue = _clock(), False
        elif not fds:
            self._is_over = True
        elif message == HOLD:
            self._hold(*fds)
        else:
            self._spawn(*fds)

    def _hold(self, lock: int) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = lock

    def _spawn(self, conversation: int, output: int) -> None:
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_slot(conversation, output, parent=own)
        self._slots.add(pid)
        os.close(conversation)
        os.close(output)
        self._tell({"pid": pid})

    def _become_slot(self, conversation: int, output: int, parent: int) -> NoReturn:
        """Keep nothing of the server's: in the child."""
        gc.enable()
        signal.set_wakeup_fd(-1)
        self._control.close()
        for fd in (self._deaths, self._wake, self._lock):
            if fd is not None:
                os.close(fd)
        slot.main(conversation, output, parent)

    # -- slots that have ended

    def _bury(self) -> None:
        os.read(self._deaths, 4096)
        for pid, code in _reap():
            if pid in self._slots:
                self._slots.discard(pid)
                # What a slot started and left behind is this process's own child now.
                processes.kill_children(os.getpid(), keep=self._slots)
                self._tell({"pid": pid, "code": code, "by_server": self._is_overdue})

    def _tell(self, message: dict[str, int]) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return  # the engine is gone; the closed socket ends the loop


def _pipe() -> tuple[int, int]:
    """A pipe that blocks neither its reader nor its writer."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write


def _reap() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """A message and the descriptors that came along; neither when the engine is gone."""
    size = array.array("i").itemsize
    try:
        data, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(2 * size))
    except OSError:
        return b"", []
    fds = array.array("i")
    for _level, _kind, payload in ancillary:
        fds.frombytes(payload[: len(payload) - len(payload) % size])
    return data, list(fds) if data else []


def _clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
