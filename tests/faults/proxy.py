"""A TCP proxy between browser and server that can cut and hold connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Forwards to *target*; ``cut`` breaks every connection and refuses new ones until ``heal``."""

    def __init__(self, target: str) -> None:
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._sockets_pass = threading.Event()
        self._sockets_pass.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True
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
                _close(near)
            else:
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        far = socket.create_connection(self._target)
        self._open |= {near, far}
        threading.Thread(target=self._pipe, args=(far, near), daemon=True).start()
        self._pipe(near, far)

    def _pipe(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if data.startswith(b"GET /ws/"):
                    self._sockets_pass.wait()
                sink.sendall(data)
        except OSError:
            pass  # cut
        finally:
            for end in (source, sink):
                _close(end)
                self._open.discard(end)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
