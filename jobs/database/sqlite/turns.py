"""A fair turn for each writer of a SQLite file.

SQLite's busy handler is unfair: of several busy writers most starve. A lock on a file beside the
database, the ticket, gives each writer its turn; it ends with the process that holds it.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

SUFFIX = "-ticket"
ASK_SECONDS = 0.0005  # on average, between two tries


@contextmanager
def turn(path: str, seconds: float) -> Iterator[None]:
    """Hold the ticket of the database at *path*. Raises TimeoutError after so many seconds."""
    handle = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        wait(handle, seconds)
        yield
    finally:
        os.close(handle)


def wait(handle: int, seconds: float) -> None:
    """Lock the ticket. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError from None
        # Always as often: a writer that asks less and less would be overtaken by newcomers.
        time.sleep(random.uniform(0.5, 1.5) * ASK_SECONDS)
