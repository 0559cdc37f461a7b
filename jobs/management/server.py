"""The web server process that ``serve`` starts: Daphne, with a bounded shutdown."""

from __future__ import annotations

import os
import threading

from daphne.cli import CommandLineInterface
from django.urls import get_resolver
from twisted.internet import reactor

from ..system import heap

SHUTDOWN_SECONDS = 3.0  # for the requests that are running when the server has to stop


def main() -> None:
    """Serve with Daphne's command line until a signal ends it.

    Daphne's shutdown waits for every running request, and a request whose thread still needs the
    event loop would wait for ever. So this process exits after SHUTDOWN_SECONDS, as if killed: what
    was committed stays, and the database rolls back the rest.
    """
    # Twisted's interfaces are written without self, which the type checker takes for an argument.
    reactor.addSystemEventTrigger("before", "shutdown", _exit_soon)  # type: ignore[arg-type]
    reactor.callWhenRunning(_warm_up)
    CommandLineInterface.entrypoint()


def _warm_up() -> None:
    _ = get_resolver().url_patterns  # imports what the first request would
    heap.freeze()


def _exit_soon() -> None:
    timer = threading.Timer(SHUTDOWN_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
