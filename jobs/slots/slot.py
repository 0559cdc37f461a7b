"""The slot's side: a process that runs steps of one job, and may be killed at any moment.

It has two file descriptors. The *conversation* is a socket: tasks come in; progress and outcomes
go out, as JSON lines. The *output* is a pipe that is also its stdout and stderr, so that prints,
``logging``, ``run.log`` and the output of child processes arrive in the order of writing.

A page of memory costs a slot more when it first writes to it than all the Python code in it. So
whatever is alike in all slots is made once, in the fork server, before it forks them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from types import FrameType
from typing import Any, NoReturn

from django.db import close_old_connections

from .. import database, definitions, sealing
from ..codes import Code, Fact
from ..exceptions import StepStopped
from ..redaction import Redactor
from ..runner import Channel, Outcome, Run, Task, run_step
from ..statuses import Verdict
from ..system import meter, processes
from . import helpers, transactions
from .output import Output, capture_logging, read_nothing, write_all
from .state import ProcessState, seed_numpy, stop_timers

STOPPED = Fact(Code.STEP_ASKED_TO_STOP)
# What the engine has to end if the slot cannot say what its step has left behind.
_ANYTHING = {"is_unusable": True, "has_processes": True, "helpers": [], "ends": False}


class Slot:
    """Made in the fork server; each of its forks calls ``main``.

    The server must block SIGINT, SIGHUP and SIGTERM: their handlers are the slot's from here on.
    *mask* are the signals that a step finds blocked.
    """

    def __init__(self, mask: set[signal.Signals]) -> None:
        self._mask = mask
        self._pid = 0
        self._run: Run | None = None
        self._is_reporting = False  # between the end of a step and the next task
        self._stops_next_task = False
        self._shields = 0
        self._stop_waits = False  # until the last shield is gone
        self._handle_signals()
        read_nothing()
        self._output = Output(self._shielded)
        self._channel = Channel(log=self._output.log, progress=self._progress)
        capture_logging(self._channel)
        self._names_application = _is_named_by_slot()
        self._state = ProcessState(mask)
        meter.read()  # the linker looks a function up when it is called first
        if definitions.have_secrets():
            sealing.preload()

    def _handle_signals(self) -> None:
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def main(self, conversation: int, output: int, parent: int) -> NoReturn:
        """Run tasks until the worker hangs up, or *parent* is gone; never returns."""
        code = 1
        try:
            self._set_up(conversation, output, parent)
            self._serve()
            code = 0
        finally:
            os._exit(code)

    def _set_up(self, conversation: int, output: int, parent: int) -> None:
        """Make what each slot has of its own."""
        os.setsid()
        processes.adopt_orphans()
        processes.die_with_parent(parent)
        if self._names_application:
            self._state.set_environment("PGAPPNAME", database.application_name())
        seed_numpy()
        self._pid, self._conversation = os.getpid(), conversation
        self._output.connect(output)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)  # one may wait since the fork

    def _serve(self) -> None:
        """Run tasks until the engine hangs up. Its first line is the marker of log records."""
        incoming = open(self._conversation, "rb", closefd=False)  # noqa: SIM115
        self._output.marker = incoming.readline().rstrip(b"\n")
        for line in incoming:
            self._is_reporting = False
            if self._stops_next_task:
                self._stop_before_the_step()
            # In a copy: the language, the time zone and other context end with the step.
            task = Task.from_lines(line, incoming.readline())
            begun = meter.read()
            outcome = copy_context().run(self._attempt, task)
            if os.getpid() != self._pid:
                os._exit(0)  # a fork that the step made and that returned from it
            left = self._clean_up(outcome, is_last=task.is_last)
            used = begun, meter.read(), not task.is_last and meter.reset_peak()
            self._send({"outcome": outcome.to_json(), "left": left, "used": used})
            if left["ends"]:
                break
        transactions.close_connections()
        helpers.end()

    # -- one step

    def _attempt(self, task: Task) -> Outcome:
        try:
            outcome = run_step(task, lambda params, hide: self._begin(task, params, hide))
            # However it ended, a step that was asked to stop may have done only a part.
            if self._run is not None and self._run.stop_reason:
                return Outcome(verdict=Verdict.STOPPED, fact=STOPPED, traceback=outcome.traceback)
            return outcome
        except StepStopped:  # the signal came while the outcome was being made
            return Outcome(verdict=Verdict.STOPPED, fact=STOPPED)
        finally:
            self._run, self._is_reporting = None, True

    def _begin(self, task: Task, params: dict[str, Any], hide: Redactor) -> Run:
        self._output.hide_with(hide)
        self._run = Run(task, params, self._channel, hide)
        return self._run

    def _progress(self, done: float, total: float, text: str) -> None:
        if os.getpid() == self._pid:
            with self._shielded():
                self._send({"progress": [done, total, text]})

    def _send(self, message: dict[str, Any]) -> None:
        write_all(self._conversation, json.dumps(message).encode() + b"\n")

    # -- after a step

    def _clean_up(self, outcome: Outcome, *, is_last: bool) -> dict[str, Any]:
        """What the engine has to end. An error here ends the slot, but the step has returned."""
        try:
            stop_timers()
            self._roll_back()
            self._output.flush()
            return self._leftovers(outcome, is_last)
        except Exception:
            return _ANYTHING

    def _roll_back(self) -> None:
        for alias in transactions.roll_back():
            text = f"The step left a transaction open in the database {alias!r}"
            self._output.log(f"{text}; it was rolled back.", "warning")

    def _leftovers(self, outcome: Outcome, is_last: bool) -> dict[str, Any]:
        has_returned = outcome.verdict is Verdict.RETURNED
        is_unusable = has_returned and not is_last and not self._restore()
        if is_locked := transactions.holds_lock():
            text = "The step left a SQLite database locked; its process was ended."
            self._output.log(text, "warning")
        has_threads = len(sys._current_frames()) > 1  # however they were started
        is_unusable = is_unusable or is_locked or has_threads
        helping = helpers.pids()
        has_processes = helpers.are_not_alone(helping)
        return {
            "is_unusable": is_unusable,
            "has_processes": has_processes,
            "helpers": helping,
            "ends": has_returned and is_last and not is_unusable and not has_processes,
        }

    def _restore(self) -> bool:
        """Undo what the step did to its process; return whether that worked."""
        try:
            self._state.restore()
            self._output.redirect()
            close_old_connections()
        except Exception:
            return False
        return True

    # -- being asked to stop

    def _on_term(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        elif self._run is not None:
            self._stop_the_step(self._run)
        elif self._is_reporting:
            self._stops_next_task = True  # it may be waiting unread; the last outcome is valid
        else:
            self._stop_before_the_step()

    def _stop_the_step(self, run: Run) -> None:
        run.stop_reason = STOPPED.reason
        if run.watches_cancel:
            return
        if self._shields:
            self._stop_waits = True
        else:
            raise StepStopped(STOPPED.reason)

    def _stop_before_the_step(self) -> NoReturn:
        """None of the step's own code has run: there is nothing to clean up."""
        try:
            outcome = Outcome(verdict=Verdict.STOPPED, fact=STOPPED)
            self._send({"outcome": outcome.to_json(), "left": _ANYTHING})
        finally:
            os._exit(0)

    @contextmanager
    def _shielded(self) -> Iterator[None]:
        """A stop waits until what the main thread is writing is complete: it is raised there."""
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


def _is_named_by_slot() -> bool:
    """Whether steps' sessions on a database server are named after their process."""
    return database.dialect().is_server and "PGAPPNAME" not in os.environ
