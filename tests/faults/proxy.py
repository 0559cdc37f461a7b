"""A TCP proxy between browser and server that can cut, hold, delay and refuse."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\n"
    b"Connection: close\r\n\r\n<h1>Bad Gateway</h1>"
)


class Proxy:
    """Forwards to *target*, each piece after ``delay`` seconds.

    ``cut`` breaks every connection and refuses new ones until ``heal``; with *answer*, it gives
    them that answer first.
    """

    def __init__(self, target: str) -> None:
        self.delay = 0.0
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        path = urlsplit(target).path
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}{path}"
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._answer = b""
        self._sockets_pass = threading.Event()
        self._sockets_pass.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, answer: bytes = b"") -> None:
        self._is_cut, self._answer = True, answer
        for end in list(self._open):
            _close(end)

    def heal(self) -> None:
        self._is_cut = False

    def hold_sockets(self) -> None:
        """WebSocket handshakes wait until ``pass_sockets``."""
        self._sockets_pass.clear()

    def pass_sockets(self) -> None:
        self._sockets_pass.set()

    def end(self) -> None:
        self._listening.close()
        self.pass_sockets()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                threading.Thread(target=self._refuse, args=(near,), daemon=True).start()
            else:
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _refuse(self, near: socket.socket) -> None:
        if self._answer:
            with contextlib.suppress(OSError):
                near.recv(65536)
                near.sendall(self._answer)
        _close(near)

    def _connect(self, near: socket.socket) -> None:
        far = socket.create_connection(self._target)
        self._open |= {near, far}
        threading.Thread(target=self._pipe, args=(far, near), daemon=True).start()
        self._pipe(near, far)

    def _pipe(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if b"/ws/jobs/" in data.partition(b"\r\n")[0]:
                    self._sockets_pass.wait()
                time.sleep(self.delay)
                self._pass(data, source, sink)
        except OSError:
            pass  # cut
        finally:
            for end in (source, sink):
                _close(end)
                self._open.discard(end)

    def _pass(self, data: bytes, source: socket.socket, sink: socket.socket) -> None:
        sink.sendall(data)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
