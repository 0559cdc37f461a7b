"""The conversation with the fork server."""

import os
import socket

from jobs.slots.forkserver import Exit, ForkServer


def test_an_exit_that_comes_with_another_answer_is_not_lost():
    """Nothing will ever be readable for it again, so it must be asked for."""
    server = ForkServer.__new__(ForkServer)
    server._control, theirs = socket.socketpair()
    server._rest, server._exits = b"", []
    read, write = os.pipe()
    with server._control, theirs:
        theirs.sendall(b'{"exit": 11, "code": -9, "by_server": 0}\n{"pid": 12}\n')
        assert server.spawn(theirs, write) == 12
        assert server.has_exits
        assert server.exits() == [Exit(11, -9, False)]
        assert not server.has_exits
    os.close(read)
    os.close(write)
