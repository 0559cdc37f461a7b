"""The web server process that ``serve`` starts: Daphne or uvicorn, with a bounded shutdown."""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import Any

from django.urls import get_resolver

from .. import conf
from ..system import heap

SHUTDOWN_SECONDS = 3.0  # for the requests that are running when the server has to stop
PING_SECONDS, PONG_SECONDS = 10, 15  # from a socket's last frame to a ping; from there to its end
RECEIVED_BYTES = 4096  # of a frame
SENT_BYTES = 4 * conf.MIB  # of a message


def main() -> None:
    """Serve until a signal ends it. Arguments: the server, a listening socket, the application.

    A server's shutdown waits for every running request, and a request whose thread still needs the
    event loop would wait for ever. So this process exits after SHUTDOWN_SECONDS, as if killed: what
    was committed stays, and the database rolls back the rest.
    """
    server, listening, application = sys.argv[1:]
    serve = {"daphne": _serve_with_daphne, "uvicorn": _serve_with_uvicorn}[server]
    serve(int(listening), application)


def _serve_with_daphne(listening: int, application: str) -> None:
    from daphne.cli import CommandLineInterface
    from twisted.internet import reactor

    # Twisted's interfaces are written without self, which the type checker takes for an argument.
    reactor.addSystemEventTrigger("before", "shutdown", _exit_soon)  # type: ignore[arg-type]
    reactor.callWhenRunning(_warm_up)
    options = {
        "--fd": listening,
        "--verbosity": 0,
        "--websocket_connect_timeout": 5,
        "--application-close-timeout": 3,
        "--ping-interval": PING_SECONDS,
        "--ping-timeout": PONG_SECONDS,
        "--websocket-max-frame-size": RECEIVED_BYTES,
        "--websocket-max-message-size": SENT_BYTES,
    }
    words = [str(word) for option in options.items() for word in option]
    CommandLineInterface().run([*words, "--no-server-name", application])


def _serve_with_uvicorn(listening: int, application: str) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, *signal: Any) -> None:
            _exit_soon()
            super().handle_exit(*signal)

    config = uvicorn.Config(
        application,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # settings say which headers of a proxy count
        ws_max_size=RECEIVED_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        ws_per_message_deflate=False,  # it would compress each frame again for each socket
    )
    config.load()
    _warm_up()
    Server(config).run(sockets=[socket.socket(fileno=listening)])


def _warm_up() -> None:
    _ = get_resolver().url_patterns  # imports what the first request would
    heap.freeze()
    heap.collect_seldom()


def _exit_soon() -> None:
    timer = threading.Timer(SHUTDOWN_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
