"""A client that sends whatever bytes a test likes, over a real connection."""

from __future__ import annotations

import base64
import os
import socket
import struct
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class RawSocket:
    """One handshake and the frames after it; ``status`` is that of the handshake."""

    def __init__(self, url: str, path: str, session: str = "", origin: str | None = "") -> None:
        """*origin*: "" for the server's own, None for none."""
        host = urlsplit(url)
        self._connection = socket.create_connection((host.hostname, host.port), timeout=10)
        self._stream = self._connection.makefile("rb")
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Cookie: sessionid={session}",
        ]
        if origin is not None:
            lines.append(f"Origin: {origin or url}")
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self._stream.readline().split()[1])
        while self._stream.readline().strip():
            pass

    def send(self, payload: bytes, kind: int = TEXT) -> None:
        """One masked frame; a server that has closed already takes none."""
        size = len(payload)
        if size < 126:
            length = bytes([128 | size])
        elif size < 2**16:
            length = struct.pack("!BH", 128 | 126, size)
        else:
            length = struct.pack("!BQ", 128 | 127, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        try:
            self._connection.sendall(bytes([128 | kind]) + length + mask + masked)
        except OSError:
            return

    def next(self) -> tuple[int, bytes]:
        """Kind and payload of the server's next frame."""
        head = self._exactly(2)
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._exactly(8))
        return head[0] & 15, self._exactly(size)

    def closed(self) -> int:
        """The code with which the server closes; 1006 when it just hangs up."""
        try:
            while True:
                kind, payload = self.next()
                if kind == CLOSE:
                    return int.from_bytes(payload[:2], "big") or 1005
        except (EOFError, ConnectionError):
            return 1006

    def close(self) -> None:
        self._stream.close()
        self._connection.close()

    def _exactly(self, size: int) -> bytes:
        got = self._stream.read(size)
        if len(got) < size:
            raise EOFError
        return got
