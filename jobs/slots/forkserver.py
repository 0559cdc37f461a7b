"""A process that does nothing but fork slots.

Forked from the worker before it has threads or database connections, with every app loaded: a
slot starts in milliseconds and inherits nothing that must not be shared. The worker asks over a
socket; the server answers with pids and, later, with how each slot ended. When the worker is gone,
however it went, the socket closes and the server kills every slot and everything they started.

The worker also passes on each of its signs of life. When there was none for a lease, other workers
take it for dead: it may be frozen, or hang in the database. Then the server kills the slots, too.

It holds the worker's lock beside it, so that nobody finds the lock free before the slots are gone.
"""

from __future__ import annotations

import array
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connections

from .. import conf
from . import processes, slot

SPAWN, BEAT, HOLD = b"+", b".", b"="


@dataclass(frozen=True)
class Exit:
    """How a slot ended: *code* is an exit code, or a signal number with a minus."""

    pid: int
    code: int
    by_server: bool  # killed because the worker showed no sign of life


class ForkServer:
    """The worker's end."""

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
                _serve(theirs)
            finally:
                os._exit(1)
        theirs.close()
        self._control = mine
        self._rest = b""
        self._exits: list[Exit] = []

    def fileno(self) -> int:
        return self._control.fileno()

    def spawn(self, conversation: socket.socket, output: int) -> int:
        """Fork a slot that talks over *conversation* and prints to *output*; its pid."""
        socket.send_fds(self._control, [SPAWN], [conversation.fileno(), output])
        while True:
            for message in self._messages():
                if "pid" in message:
                    return int(message["pid"])

    def beat(self) -> None:
        """Pass on a sign of life; without one for a lease, the slots are killed."""
        self._control.sendall(BEAT)

    def hold(self, lock: int) -> None:
        """Hold the worker's lock, too, until nothing runs; it replaces an older one."""
        socket.send_fds(self._control, [HOLD], [lock])

    @property
    def has_exits(self) -> bool:
        """An exit came along with another answer; no event will tell of it again."""
        return bool(self._exits)

    def exits(self) -> list[Exit]:
        """The slots that have ended since the last call. Waits until there is news."""
        if not self._exits:
            self._messages()
        exits, self._exits = self._exits, []
        return exits

    def close(self) -> None:
        """End the server, every slot and everything they started; returns when they are gone.

        Harmless to repeat.
        """
        if self._control.fileno() >= 0:
            self._control.close()
            os.waitpid(self.pid, 0)
            processes.kill_descendants(os.getpid())

    def _messages(self) -> list[dict[str, int]]:
        data = self._control.recv(65536)
        if not data:
            raise ConnectionError("The fork server is gone; this worker cannot run steps any more.")
        *lines, self._rest = (self._rest + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        self._exits += [
            Exit(m["exit"], m["code"], bool(m["by_server"])) for m in messages if "exit" in m
        ]
        return messages


def _serve(control: socket.socket) -> None:
    os.setsid()  # Ctrl-C in the worker's terminal is the worker's business
    processes.adopt_orphans()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    slots: set[int] = set()
    lease = conf.knobs().lease
    beaten_at = _clock()
    is_overdue = False
    lock: int | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            patience = max(0.0, beaten_at + lease - _clock()) if slots else None
            ready = {key.fileobj for key, _ in selector.select(patience)}
            if wake_read in ready:
                os.read(wake_read, 4096)
                for pid, code in _reap():
                    if pid in slots:
                        slots.discard(pid)
                        # What a slot started and left behind is this process's own child now.
                        processes.kill_children(os.getpid(), spare=slots)
                        _tell(control, {"exit": pid, "code": code, "by_server": is_overdue})
            if control in ready:
                message, fds = _receive(control)
                if message == BEAT:
                    beaten_at, is_overdue = _clock(), False
                    continue
                if not fds:
                    break
                if message == HOLD:
                    if lock is not None:
                        os.close(lock)
                    [lock] = fds
                    continue
                pid = os.fork()
                if pid == 0:
                    if lock is not None:
                        os.close(lock)
                    signal.set_wakeup_fd(-1)
                    control.close()
                    for fd in (wake_read, wake_write):
                        os.close(fd)
                    slot.main(*fds)
                slots.add(pid)
                for fd in fds:
                    os.close(fd)
                _tell(control, {"pid": pid})
            if slots and control not in ready and _clock() - beaten_at > lease:
                processes.kill_descendants(os.getpid())
                beaten_at, is_overdue = _clock(), True  # they are reaped above
    processes.kill_descendants(os.getpid())
    os._exit(0)


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
    """A message and the descriptors that came along; neither when the worker is gone."""
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


def _tell(control: socket.socket, message: dict[str, int]) -> None:
    try:
        control.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return  # the worker is gone; the closed socket ends the loop
