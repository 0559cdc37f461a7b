"""The fork server's process: forks slots on request, and reports how each of them ended.

It has no thread and no database connection. The engine sends single bytes over a socket, with file
descriptors. An answer is a line with the pid of a slot that was forked; or, when one has ended,
with its pid, its exit code, whether the server has killed it, its peak of memory in KiB and its
processor time in microseconds. When the engine is gone, however
it ended, the socket closes, and the server kills every slot and everything that they started.

The engine also passes its heartbeats on. Without one for a lease, other workers take it for dead:
it may be frozen, or hang in the database. Then the server kills the slots, too.

It holds the worker's lock as well, so that the lock is free only when all slots are gone.
"""

from __future__ import annotations

import array
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from resource import struct_rusage
from typing import NoReturn

from .. import conf
from ..system import heap, processes
from .slot import Slot

FORK, BEAT, HOLD = b"+", b".", b"="
_FOR_SLOTS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)  # the server ends with its engine


def main(control: socket.socket) -> NoReturn:
    """Serve until the engine is gone; never returns."""
    code = 1
    try:
        slot = Slot(_become_server())
        heap.freeze()  # a slot's collector would touch, and so copy, every page
        heap.use_huge_pages()
        _Server(control, slot).serve()
        code = 0
    finally:
        os._exit(code)


def _become_server() -> set[signal.Signals]:
    """The signals that are blocked in a slot; more are blocked here."""
    os.setsid()  # Ctrl-C in the terminal is for the worker, which ends its steps in order
    processes.adopt_orphans()
    gc.disable()
    # Blocked, not ignored: if a slot gets one before it can react, the signal must wait.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_SLOTS)
    return {signal.Signals(number) for number in before} - {signal.SIGTERM}


class _Server:
    def __init__(self, control: socket.socket, slot: Slot) -> None:
        self._control = control
        self._slot = slot
        self._slots: set[int] = set()
        self._lease = conf.knobs().lease
        self._beaten_at = _clock()
        self._has_killed = False  # the slots, because a lease ended
        self._is_over = False
        self._lock: int | None = None
        self._exits, self._wakeup = _pipe()  # readable when a child has ended

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup)
        while not self._is_over:
            self._turn()
        processes.kill_descendants(os.getpid())

    def _turn(self) -> None:
        left = max(0.0, self._beaten_at + self._lease - _clock()) if self._slots else None
        exits, control = self._exits, self._control.fileno()
        ready, _, _ = select.select([exits, control], [], [], left)
        if exits in ready:  # exits first: a heartbeat resets the cause
            self._report_exits()
        if control in ready:
            self._obey()
        else:  # otherwise a heartbeat may be among the unread messages
            self._kill_when_overdue()

    def _kill_when_overdue(self) -> None:
        if self._slots and _clock() - self._beaten_at > self._lease:
            self._has_killed = True
            processes.kill_descendants(os.getpid())
            self._beaten_at = _clock()

    # -- what the engine asks for

    def _obey(self) -> None:
        message, fds = _receive(self._control)
        if message == BEAT:
            self._beaten_at, self._has_killed = _clock(), False
        elif not fds:
            self._is_over = True
        elif message == HOLD:
            self._hold(*fds)
        else:
            self._fork(*fds)

    def _hold(self, lock: int) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = lock

    def _fork(self, conversation: int, output: int) -> None:
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_slot(conversation, output, parent=server)
        self._slots.add(pid)
        os.close(conversation)
        os.close(output)
        self._send(b"%d\n" % pid)

    def _become_slot(self, conversation: int, output: int, parent: int) -> NoReturn:
        """In the child: end what is the server's."""
        gc.enable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in (self._control.detach(), self._exits, self._wakeup, self._lock):
            if fd is not None:
                os.close(fd)
        self._slot.main(conversation, output, parent)

    # -- slots that have ended

    def _report_exits(self) -> None:
        os.read(self._exits, 4096)
        for pid, code, used in _reap():
            if pid in self._slots:
                self._slots.discard(pid)
                # What the slot started and left behind is now a child of this process.
                processes.kill_children(os.getpid(), keep=self._slots)
                cpu = round((used.ru_utime + used.ru_stime) * 10**6)
                told = pid, code, self._has_killed, used.ru_maxrss, cpu
                self._send(b"%d %d %d %d %d\n" % told)

    def _send(self, line: bytes) -> None:
        try:
            self._control.sendall(line)
        except OSError:
            return  # the engine is gone; the closed socket ends the loop


def _pipe() -> tuple[int, int]:
    """A pipe that blocks neither its reader nor its writer."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write


def _reap() -> Iterator[tuple[int, int, struct_rusage]]:
    """The pid and exit code of each child that has ended, and what it used."""
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status), used


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """A message and its file descriptors; both empty when the engine is gone."""
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
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
