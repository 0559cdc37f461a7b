"""``manage.py serve``: the web server and a worker, as one command."""

from __future__ import annotations

import http.client
import math
import os
import socket
import sys
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from ... import checks, conf, journal
from ...exceptions import NotReady
from ...system import processes
from .. import sources
from ..children import LOOK_SECONDS, Alarm, Child, Reloading, add_reload, end
from ..interrupts import StopSignals
from ..terminal import TerminalCommand


class Command(TerminalCommand):
    help = (
        "Run the web server and, unless the engine is Celery, a worker. SIGTERM or Ctrl-C stops "
        "both; a second one does not wait for running steps."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=int, default=getattr(settings, "PORT", 8000), help="0: any free port."
        )
        parser.add_argument(
            "--no-worker", action="store_true", help="Only the web server; workers run elsewhere."
        )
        parser.add_argument(
            "--server",
            choices=checks.WEB_SERVERS,
            default="daphne",
            help="The web server; uvicorn serves many viewers faster. Default: daphne.",
        )

        add_reload(parser)

    def handle(
        self,
        *args: Any,
        host: str,
        port: int,
        no_worker: bool,
        server: str,
        reload: bool,
        **options: Any,
    ) -> None:
        signals = StopSignals()
        _require_ready(server)
        listening = _listen(host, port)
        children = [Child("web", _web_command(server, listening), pass_fds=[listening.fileno()])]
        if not (no_worker or conf.is_embedded()):
            self.stdout.write(f"Steps need a worker: {conf.worker_command()}")
        elif not no_worker:
            worker = [sys.executable, os.path.abspath(sys.argv[0]), "worker"]
            children.append(Child("worker", worker))
        reloading = Reloading(children, signals) if reload else None
        with closing(Alarm()) as alarm:
            try:
                self._run(children, listening.getsockname()[:2], signals, alarm, reloading)
            finally:
                end(children, is_urgent=lambda: signals.count > 1)

    def _run(
        self,
        children: list[Child],
        address: tuple[str, int],
        signals: StopSignals,
        alarm: Alarm,
        reloading: Reloading | None,
    ) -> None:
        """Keep the children running until a signal comes."""
        is_ready = False
        longest = sources.LOOK_SECONDS if reloading else math.inf
        while not signals.count:
            if reloading:
                reloading.reload(self.stdout.write)
            for child in children:
                child.keep_running(self.stderr.write)
            processes.reap_orphans({child.process.pid for child in children if child.process})
            if not is_ready and _accepts(*address):
                is_ready = True
                home = reverse("truestep:list")
                self.stdout.write(f"Ready: http://{address[0]}:{address[1]}{home}")
            to_start = min(map(Child.seconds_to_start, children))
            alarm.wait(min(longest, to_start) if is_ready else LOOK_SECONDS)


def _require_ready(server: str) -> None:
    if problems := list(checks.serve_problems(server)):
        raise CommandError("\n".join(problems))
    try:
        journal.require_ready()
    except NotReady as error:
        raise CommandError(str(error)) from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Pass another --port, or 0 for any "
            "free one."
        ) from error


def _web_command(server: str, listening: socket.socket) -> list[str]:
    module, _, attribute = settings.ASGI_APPLICATION.rpartition(".")
    return [
        *(sys.executable, "-m", f"{conf.PACKAGE}.management.server"),
        *(server, str(listening.fileno()), f"{module}:{attribute}"),
    ]


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
