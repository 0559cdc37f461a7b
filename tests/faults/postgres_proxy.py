"""A TCP proxy in front of PostgreSQL that loses the answer to a COMMIT."""

from __future__ import annotations

import os
import socket
import threading
from urllib.parse import urlsplit

from tests.faults.proxy import Proxy


class PostgresProxy(Proxy):
    """Forwards to the test run's PostgreSQL; ``url`` is for ``DATABASE_URL``.

    After ``lose``, the next transaction in which all of *words* were sent is cut at its COMMIT:
    with *arrives*, once the server has answered, and otherwise before the COMMIT is forwarded. With
    *alone*, the words are those of a statement that is a transaction of its own.
    """

    def __init__(self) -> None:
        target = urlsplit(os.environ["DATABASE_URL"])
        self.lost = threading.Event()
        self._words: tuple[bytes, ...] = ()
        self._arrives, self._is_alone = True, False
        self._sent: dict[socket.socket, bytes] = {}
        self._cut_after: set[socket.socket] = set()
        super().__init__(os.environ["DATABASE_URL"])
        user, _, _ = target.netloc.rpartition("@")
        port = urlsplit(self.url).port
        self.url = f"postgres://{user}@127.0.0.1:{port}{target.path}?sslmode=disable"

    def lose(self, *words: str, arrives: bool = True, alone: bool = False) -> None:
        self.lost.clear()
        self._arrives, self._is_alone = arrives, alone
        self._words = tuple(word.encode() for word in words)

    def _pass(self, data: bytes, source: socket.socket, sink: socket.socket) -> None:
        if source in self._cut_after:  # the server's answer to the COMMIT
            self.lost.set()
            raise ConnectionAbortedError
        is_commit = data.rstrip(b"\0").endswith(b"COMMIT")
        if not (is_commit or self._is_alone):
            self._sent[source] = self._sent.get(source, b"") + data
        else:
            sent = self._sent.pop(source, b"") + data
            if self._words and all(word in sent for word in self._words):
                self._words = ()
                if not self._arrives:
                    self.lost.set()
                    raise ConnectionAbortedError
                self._cut_after.add(sink)
        sink.sendall(data)
