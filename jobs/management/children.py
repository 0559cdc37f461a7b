"""The processes that ``serve`` starts and keeps running, until it ends them."""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from django.core.management.base import CommandParser

from .. import conf, times
from ..system import processes
from .interrupts import StopSignals
from .sources import Sources

LOOK_SECONDS = 0.05  # between two looks at processes that end
END_SECONDS = 10.0  # beside the drain and the grace of a worker; then everything is killed
URGENT_END_SECONDS = 5.0  # after a second signal
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a child that ended is started again

Process = subprocess.Popen[bytes]


class Child:
    """A process that is started again whenever it ends."""

    def __init__(self, name: str, command: list[str], pass_fds: Sequence[int] = ()) -> None:
        self._name = name
        self._command = command
        self._pass_fds = pass_fds
        self._pause = FIRST_PAUSE
        self._start_at = 0.0
        self.process: Process | None = None

    def keep_running(self, say: Callable[[str], None]) -> None:
        """Start it if it does not run and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            pause = times.setting(self._pause)
            say(f"The {self._name} ended with code {code}; it starts again in {pause}.")
            self._start_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if self.process is None and time.monotonic() >= self._start_at:
            self.process = self._start()

    def _start(self) -> Process:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            pass_fds=self._pass_fds,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C reaches only this command, which passes it on
            preexec_fn=partial(processes.die_with_parent, os.getpid(), signal.SIGTERM),
        )

    def start_now(self) -> None:
        """It was ended on purpose: start it with the next call of ``keep_running``."""
        self.process, self._pause, self._start_at = None, FIRST_PAUSE, 0.0

    def seconds_to_start(self) -> float:
        """Until it has to be started; infinite while it runs."""
        return math.inf if self.process else max(0.0, self._start_at - time.monotonic())


def add_reload(parser: CommandParser) -> None:
    """Add the option ``--reload``."""
    parser.add_argument(
        "--reload", action="store_true", help="For development: start again when code changes."
    )


class Reloading:
    """Children that start again when the project's code has changed."""

    def __init__(self, children: list[Child], signals: StopSignals) -> None:
        self._children = children
        self._signals = signals
        self._sources = Sources()

    def reload(self, say: Callable[[str], None]) -> None:
        """End them if a file has changed; ``keep_running`` starts them with the new code."""
        if changed := self._sources.changed():
            say(f"{changed} changed: starting again.")
            end(self._children, is_urgent=lambda: self._signals.count > 0)
            for child in self._children:
                child.start_now()


class Alarm:
    """A wait that any signal ends, also the one that a child has ended."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # an ignored signal ends no wait
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def wait(self, seconds: float) -> None:
        """Return after a signal that came since the last call, or after *seconds*."""
        if select.select([self._reader], [], [], None if seconds == math.inf else seconds)[0]:
            self._reader.recv(4096)

    def close(self) -> None:
        """Before its sockets are: Python complains of a signal for which it finds them closed."""
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()


def end(children: list[Child], is_urgent: Callable[[], bool]) -> None:
    """Stop the children; stop them again when it becomes urgent; kill those that stay."""
    running = [child.process for child in children if child.process]
    knobs = conf.knobs()
    deadline = time.monotonic() + knobs.drain + knobs.grace + END_SECONDS
    was_urgent = False
    _terminate(running)
    while (running := list(filter(_runs, running))) and time.monotonic() < deadline:
        if is_urgent() and not was_urgent:
            was_urgent = True
            deadline = time.monotonic() + URGENT_END_SECONDS
            _terminate(running)  # a worker's second signal ends its grace
        time.sleep(LOOK_SECONDS)
    for process in running:
        processes.kill_tree(process.pid)
        process.wait()


def _runs(process: Process) -> bool:
    return process.poll() is None


def _terminate(running: list[Process]) -> None:
    for process in running:
        process.terminate()
