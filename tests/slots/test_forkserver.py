"""The conversation with the fork server."""

import socket

from jobs.slots.forkserver import Birth, Exit, ForkServer


def test_news_that_come_together_are_told_in_order():
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    server._rest = b""
    with server._control, theirs:
        theirs.sendall(b'{"pid": 11, "code": -9, "by_server": false}\n{"pid": 12}\n{"pi')
        assert server.news() == [Exit(11, -9, False), Birth(12)]
        theirs.sendall(b'd": 13}\n')
        assert server.news() == [Birth(13)]
