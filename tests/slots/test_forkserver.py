"""The messages to and from the fork server."""

import socket

import pytest

from jobs.slots.forkserver import Exit, Fork, ForkServer


@pytest.mark.parametrize(
    "call",
    [
        lambda server, pipe: server.beat(),
        lambda server, pipe: server.hold(pipe.fileno()),
        lambda server, pipe: server.request_slot(pipe, pipe.fileno()),
        lambda server, pipe: server.events(),
    ],
)
def test_a_fork_server_that_is_gone_raises_clear_words(call):
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    with server._control, theirs:
        theirs.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionError, match="fork server is gone"):
            call(server, theirs)


def test_events_that_arrive_together_are_read_in_order():
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    server._received = b""
    with server._control, theirs:
        theirs.sendall(b"11 -9 0\n12\n1")
        assert server.events() == [Exit(11, -9, False), Fork(12)]
        theirs.sendall(b"3\n")
        assert server.events() == [Fork(13)]
