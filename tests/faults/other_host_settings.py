"""Test settings of a process on another host, as far as its host name shows."""

import socket

from tests.settings import *  # noqa: F403

socket.gethostname = lambda: "elsewhere"
