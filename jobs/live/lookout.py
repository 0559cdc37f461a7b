"""A thread that sleeps until somebody commits, for web processes that hear no pokes of others."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import closing

from django.db import connections

from ..database.watch import CommitWatch, watch_commits


class Lookout:
    """Calls *tell*, in a thread of its own, whenever there may be something new.

    It costs nothing while it rests, as it does until it is told to begin.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._is_wanted = self._has_ended = False
        self._hears, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="truestep-commits", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Look out; harmless to repeat."""
        if not self._is_wanted:
            self._is_wanted = True
            self._ring()

    def rest(self) -> None:
        self._is_wanted = False
        self._ring()

    def end(self) -> None:
        """Returns when the thread is gone."""
        self._has_ended = True
        self._ring()
        self._thread.join()
        self._hears.close()
        self._bell.close()

    def _ring(self) -> None:
        self._bell.send(b"!")

    def _run(self) -> None:
        while not self._has_ended:
            if self._is_wanted:
                self._look_out()
            else:
                self._hears.recv(64)

    def _look_out(self) -> None:
        with closing(watch_commits()) as watch, selectors.DefaultSelector() as selector:
            for source in (self._hears, watch):
                selector.register(source, selectors.EVENT_READ)
            while self._is_wanted and not self._has_ended:
                if self._hears in {key.fileobj for key, _ in selector.select(watch.pause)}:
                    self._hears.recv(64)
                if _changed(watch):
                    self._tell()


def _changed(watch: CommitWatch) -> bool:
    try:
        return watch.changed()
    except Exception:  # whatever is wrong with the database, the feeds look and tell
        connections.close_all()
        return True
