"""The conversation with the fork server."""

import socket

import pytest

from jobs.slots.forkserver import Birth, Exit, ForkServer


@pytest.mark.parametrize(
    "says",
    [
        lambda server, pipe: server.beat(),
        lambda server, pipe: server.hold(pipe.fileno()),
        lambda server, pipe: server.ask_for_slot(pipe, pipe.fileno()),
        lambda server, pipe: server.news(),
    ],
)
def test_whoever_needs_a_server_that_is_gone_is_told_so(says):
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    with server._control, theirs:
        theirs.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionError, match="fork server is gone"):
            says(server, theirs)


def test_news_that_come_together_are_told_in_order():
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    server._rest = b""
    with server._control, theirs:
        theirs.sendall(b'{"pid": 11, "code": -9, "by_server": false}\n{"pid": 12}\n{"pi')
        assert server.news() == [Exit(11, -9, False), Birth(12)]
        theirs.sendall(b'd": 13}\n')
        assert server.news() == [Birth(13)]
