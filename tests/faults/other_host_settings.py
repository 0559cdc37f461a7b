"""Test settings of a process on another host, as far as anybody can tell by what it says."""

import socket

from tests.settings import *  # noqa: F403

socket.gethostname = lambda: "elsewhere"
