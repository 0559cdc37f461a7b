"""The process of the web server that ``serve`` starts: Daphne, and an end that nothing holds up."""

from __future__ import annotations

import os
import threading

from daphne.cli import CommandLineInterface
from django.urls import get_resolver
from twisted.internet import reactor

from ..system import heap

LAST_SECONDS = 3.0  # for the requests that run when the server is told to end


def main() -> None:
    """Serve with Daphne's command line until a signal ends it.

    Daphne's end waits for each request that runs, and a request whose thread needs the loop when
    that has ended waits for ever. So after LAST_SECONDS this process is gone, as after a kill: what
    was committed stays, and the database undoes the rest.
    """
    # Twisted's interfaces are written without self, which the type checker takes for an argument.
    reactor.addSystemEventTrigger("before", "shutdown", _be_gone_soon)  # type: ignore[arg-type]
    reactor.callWhenRunning(_settle)
    CommandLineInterface.entrypoint()


def _settle() -> None:
    _ = get_resolver().url_patterns  # imports what the first request would
    heap.freeze()


def _be_gone_soon() -> None:
    last = threading.Timer(LAST_SECONDS, os._exit, [0])
    last.daemon = True
    last.start()


if __name__ == "__main__":
    main()
