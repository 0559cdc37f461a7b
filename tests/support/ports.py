"""Ports for servers that a test stops and starts again."""

from __future__ import annotations

import random
import socket


def free_ports(count: int) -> list[int]:
    """So many that are free, and stay so: no connection gets one of these as its own."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15000, 32000)  # below Linux's range for connections
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found
