"""``manage.py serve``: the web server and a worker, as one command."""

from __future__ import annotations

import http.client
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from ... import checks, conf, database, times
from ...exceptions import NotReady
from ...system import processes
from ..terminal import TerminalCommand, on_hangup

LOOK_SECONDS = 0.05  # while it starts or ends
END_SECONDS = 10.0  # beside the drain and the grace of a worker; then everything is killed
HARD_END_SECONDS = 5.0  # … when somebody cannot wait
LONGEST_PAUSE = 10.0  # seconds before a child that keeps dying is started again
# Daphne limits what it receives, frame by frame, and what it sends by the size of the message.
RECEIVED_BYTES, SENT_BYTES = "4096", str(4 * conf.MIB)


class Command(TerminalCommand):
    help = (
        "Run the web server and a worker together; SIGTERM or Ctrl-C ends both, a second one hard."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=int, default=getattr(settings, "PORT", 8000), help="0: any free port."
        )

        parser.add_argument(
            "--no-worker", action="store_true", help="Only the web server; workers run elsewhere."
        )

    def handle(self, *args: Any, host: str, port: int, no_worker: bool, **options: Any) -> None:
        signals = 0

        def stop(*_: Any) -> None:
            nonlocal signals
            signals += 1

        def hang_up() -> None:
            if not signals:  # it often comes together with SIGTERM
                stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        on_hangup(hang_up)
        if problems := list(checks.serve_problems()):
            raise CommandError("\n".join(problems))
        try:
            database.require_ready()
        except NotReady as error:
            raise CommandError(str(error)) from error
        try:
            listening = socket.create_server((host, port), backlog=512)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Set PORT to another port, "
                "or to 0 for any free one."
            ) from error
        children = [_Child("web", _web_command(listening), pass_fds=[listening.fileno()])]
        if not no_worker:
            children.append(
                _Child("worker", [sys.executable, os.path.abspath(sys.argv[0]), "worker"])
            )
        address = listening.getsockname()[:2]
        ready = False
        alarm = _Alarm()
        try:
            while not signals:
                for child in children:
                    child.keep_running(self.stderr.write)
                processes.reap_orphans({child.process.pid for child in children if child.process})
                if not ready and _accepts(*address):
                    ready = True
                    home = reverse("truestep:list")
                    self.stdout.write(f"Ready: http://{address[0]}:{address[1]}{home}")
                alarm.wait(min(map(_Child.rest, children)) if ready else LOOK_SECONDS)
        finally:
            _end(children, is_urgent=lambda: signals > 1)


def _web_command(listening: socket.socket) -> list[str]:
    module, _, attribute = settings.ASGI_APPLICATION.rpartition(".")
    return [
        *(sys.executable, "-m", f"{conf.PACKAGE}.management.server"),
        *("--verbosity", "0", "--no-server-name"),
        *("--fd", str(listening.fileno())),
        *("--websocket_connect_timeout", "5", "--application-close-timeout", "3"),
        *("--ping-interval", "10", "--ping-timeout", "15"),
        *("--websocket-max-frame-size", RECEIVED_BYTES, "--websocket-max-message-size", SENT_BYTES),
        f"{module}:{attribute}",
    ]


class _Alarm:
    """Ends a wait when a signal comes, also the one that a child has ended."""

    def __init__(self) -> None:
        self._hears, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored rings no bell
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)

    def wait(self, seconds: float) -> None:
        """Return after a signal that came since the last call, or after *seconds*."""
        if select.select([self._hears], [], [], None if seconds == math.inf else seconds)[0]:
            self._hears.recv(4096)


def _accepts(host: str, port: int) -> bool:
    """Whether the web server answers; any answer will do."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", reverse("truestep:healthz"))
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


class _Child:
    """A process that is started again when it ends by itself."""

    def __init__(self, name: str, command: list[str], pass_fds: list[int] | None = None) -> None:
        self._name = name
        self._command = command
        self._pass_fds = pass_fds or []
        self._pause = 0.5
        self._start_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def keep_running(self, say: Any) -> None:
        if self.process is not None and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            pause = times.setting(self._pause)
            say(f"The {self._name} ended with code {code}; it starts again in {pause}.")
            self._start_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if self.process is None and time.monotonic() >= self._start_at:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                pass_fds=self._pass_fds,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C reaches this command alone; it tells its children
                preexec_fn=partial(processes.die_with_parent, os.getpid(), signal.SIGTERM),
            )

    def rest(self) -> float:
        """Seconds until there is something to do, unless it ends before."""
        return math.inf if self.process else max(0.0, self._start_at - time.monotonic())


def _end(children: list[_Child], is_urgent: Callable[[], bool]) -> None:
    """Tell the children to end, tell them again when it is urgent, and kill who does not."""
    running = [child.process for child in children if child.process]
    knobs = conf.knobs()
    deadline = time.monotonic() + knobs.drain + knobs.grace + END_SECONDS
    was_urgent = False
    _terminate(running)
    while (running := [each for each in running if each.poll() is None]) and (
        time.monotonic() < deadline
    ):
        if is_urgent() and not was_urgent:
            was_urgent = True
            deadline = time.monotonic() + HARD_END_SECONDS
            _terminate(running)  # to a worker, the second signal says: no more grace
        time.sleep(LOOK_SECONDS)
    for process in running:
        processes.kill_tree(process.pid)
        process.wait()


def _terminate(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
