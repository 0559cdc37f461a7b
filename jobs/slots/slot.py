"""The slot's side: a process that runs steps of one job, and may be killed at any moment.

It talks over two descriptors. The *conversation* is a socket: tasks come in; progress and outcomes
go out, as JSON lines. The *output* is a pipe that is also its stdout and stderr, so that prints,
``logging``, ``run.log`` and whatever child processes write arrive in the order they were written.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

from django.db import close_old_connections, connections

from .. import database
from ..codes import Code, Fact
from ..exceptions import StepStopped
from ..runner import LEVELS, Channel, Outcome, Run, Task, run_step
from ..statuses import Verdict
from ..system import processes
from . import helpers, transactions
from .state import ProcessState, stop_timers

_C = ctypes.CDLL(None)
STOPPED = Fact(Code.STEP_ASKED_TO_STOP)
RECORD_CHARACTERS = 32 * 1024
# What its engine has to end when nobody knows what the step has left behind.
_ANYTHING = {"is_spoilt": True, "has_processes": True, "helpers": []}


def main(conversation: int, output: int, parent: int) -> NoReturn:
    """Run tasks until the worker hangs up, or *parent* is gone; never returns."""
    code = 1
    try:
        os.setsid()
        processes.adopt_orphans()
        processes.die_with_parent(parent)
        os.environ.setdefault("PGAPPNAME", database.application_name())
        _Slot(socket.socket(fileno=conversation), output).serve()
        code = 0
    finally:
        os._exit(code)


class _Slot:
    def __init__(self, conversation: socket.socket, output: int) -> None:
        self._conversation = conversation
        self._incoming = conversation.makefile("r", encoding="utf-8")
        self._marker = self._incoming.readline().rstrip("\n").encode()
        self._output = output
        self._pid = os.getpid()
        self._is_reporting = False
        self._run: Run | None = None
        self._shields = 0
        self._one_speaks = threading.RLock()
        self._stop_waits = False
        self._stops_next = False
        self._channel = Channel(log=self._log, progress=self._progress)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])  # one may wait since the fork
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server ignores these …
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # … and what a step starts should not
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _redirect(output)
        _log_through(self._channel)
        self._state = ProcessState()

    def serve(self) -> None:
        """Run tasks until the engine hangs up."""
        for line in self._incoming:
            self._is_reporting = False
            if self._stops_next:
                self._stop_before_the_step()
            # A copy: the language, the time zone and whatever else a step activates ends with it.
            outcome = copy_context().run(self._attempt, Task.from_json(line))
            if os.getpid() != self._pid:
                os._exit(0)  # a fork of the step that came back out of it
            self._send({"outcome": asdict(outcome), "left": self._clear_up(outcome)})
        connections.close_all()
        helpers.end()

    def _clear_up(self, outcome: Outcome) -> dict[str, Any]:
        """What the engine has to end. An error here ends the slot; the step has returned."""
        try:
            stop_timers()
            self._roll_back()
            _reopen(self._output)
            _flush()
            return self._left(outcome)
        except Exception:
            return _ANYTHING

    def _roll_back(self) -> None:
        for alias in transactions.roll_back():
            told = f"The step left a transaction open in the database {alias!r}"
            self._log(f"{told}; it was rolled back.", "warning")

    def _left(self, outcome: Outcome) -> dict[str, Any]:
        """What the step left behind that its engine has to end."""
        is_spoilt = outcome.verdict is Verdict.RETURNED and not self._tidy()
        if is_locked := transactions.holds_lock():
            self._log("The step left a SQLite database locked; its process was ended.", "warning")
        has_threads = len(sys._current_frames()) > 1  # however they were started
        return {
            "is_spoilt": is_spoilt or is_locked or has_threads,
            "has_processes": helpers.are_not_alone(),
            "helpers": helpers.pids(),
        }

    def _tidy(self) -> bool:
        """Whatever the step did to its process, the next one begins alike; whether that worked."""
        try:
            self._state.restore()
            _redirect(self._output)
            close_old_connections()
        except Exception:
            return False
        return True

    def _attempt(self, task: Task) -> Outcome:
        try:
            outcome = run_step(task, lambda params: self._begin(task, params))
            # A step that was told to stop may have done a part only, however it ended.
            if self._run is not None and self._run.stop_reason:
                return Outcome(verdict=Verdict.STOPPED, fact=STOPPED, traceback=outcome.traceback)
            return outcome
        except StepStopped:  # the signal came while the outcome was being put in words
            return Outcome(verdict=Verdict.STOPPED, fact=STOPPED)
        finally:
            self._run, self._is_reporting = None, True

    def _begin(self, task: Task, params: dict[str, Any]) -> Run:
        self._run = Run(task, params, self._channel)
        return self._run

    # -- being asked to stop

    def _on_term(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        elif self._run is not None:
            self._run.stop_reason = STOPPED.reason
            if self._run.watches_cancel:
                return
            if self._shields:
                self._stop_waits = True
            else:
                raise StepStopped(STOPPED.reason)
        elif self._is_reporting:
            self._stops_next = True  # that task may be waiting, unread; the last outcome stands
        else:
            self._stop_before_the_step()

    def _stop_before_the_step(self) -> NoReturn:
        """None of the step's own code has run: there is nothing to put in order."""
        try:
            outcome = Outcome(verdict=Verdict.STOPPED, fact=STOPPED)
            self._send({"outcome": asdict(outcome), "left": _ANYTHING})
        finally:
            os._exit(0)

    @contextmanager
    def _shielded(self) -> Iterator[None]:
        """A stop waits until what the main thread is writing is whole: it is raised there only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._stop_waits and not self._shields:
            self._stop_waits = False
            raise StepStopped(STOPPED.reason)

    # -- speaking

    def _log(self, text: str, level: str) -> None:
        _flush_prints()
        if os.getpid() != self._pid:  # a fork of the step: its lines are plain prints
            _write_all(self._output, text.encode("utf-8", "backslashreplace") + b"\n")
            return
        with self._one_speaks, self._shielded():
            for start in range(0, max(1, len(text)), RECORD_CHARACTERS):
                end = start + RECORD_CHARACTERS
                values = {"l": LEVELS[level], "t": text[start:end], "more": end < len(text)}
                _write_all(self._output, self._marker + json.dumps(values).encode() + b"\n")

    def _progress(self, done: float, total: float, text: str) -> None:
        if os.getpid() == self._pid:
            with self._shielded():
                self._send({"progress": [done, total, text]})

    def _send(self, message: dict[str, Any]) -> None:
        self._conversation.sendall(json.dumps(message).encode() + b"\n")


def _redirect(output: int) -> None:
    """Point stdin, stdout and stderr, and Python's streams for them, to nothing and to *output*."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    if nothing > 2:  # the step before may have closed one of the three, and it took its place
        os.close(nothing)
    for name, fd in (("stdout", 1), ("stderr", 2)):
        stream = open(  # noqa: SIM115  (stays open as long as the process)
            fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _reopen(output: int) -> None:
    """Where the step closed stdout or stderr: the C library drops what it cannot flush."""
    for fd in (1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.dup2(output, fd)


def _flush() -> None:
    """Hand on what the step printed and Python or the C library still buffers."""
    _flush_prints()
    _C.fflush(None)


def _flush_prints() -> None:
    """Hand on what the step printed and Python still buffers."""
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no stream
            stream.flush()  # type: ignore[union-attr]


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


class _StepLogHandler(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._channel.log(self.format(record), _nearest_level(record.levelno))
        except Exception:
            self.handleError(record)


def _nearest_level(number: int) -> str:
    names = [(getattr(logging, name.upper()), name) for name in LEVELS]
    return max((level for level in names if level[0] <= number), default=names[0])[1]


def _log_through(channel: Channel) -> None:
    """``logging`` lands in the step's log, once: handlers that print would say it again."""
    root = logging.getLogger()
    known = root.manager.loggerDict.values()
    loggers = [root, *(item for item in known if isinstance(item, logging.Logger))]
    ours = _StepLogHandler(channel)
    for logger in loggers:
        for handler in list(logger.handlers):
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
        if logger is root or not logger.propagate:  # its records go no further
            logger.addHandler(ours)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))
