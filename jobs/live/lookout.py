"""A thread that sleeps until somebody commits, for web processes that hear no pokes of others."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable
from contextlib import closing

from django.db import connections

from ..database import CommitWatch, watch_commits
from ..system.wakeup import Wakeup


class Lookout:
    """Calls *tell*, in a thread of its own, whenever there may be something new.

    It costs nothing while it rests, as it does until it is told to begin.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._is_wanted = self._has_ended = False
        self._bell = Wakeup()
        self._thread = threading.Thread(target=self._run, name="truestep-commits", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Look out; harmless to repeat."""
        if not self._is_wanted:
            self._is_wanted = True
            self._bell.wake()

    def rest(self) -> None:
        self._is_wanted = False
        self._bell.wake()

    def end(self) -> None:
        """Returns when the thread is gone."""
        self._has_ended = True
        self._bell.wake()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ, self._bell.clear)
            while not self._has_ended:
                if self._is_wanted:
                    self._look_out(selector)
                else:
                    _hear(selector, None)

    def _look_out(self, selector: selectors.BaseSelector) -> None:
        with closing(watch_commits()) as watch:
            selector.register(watch, selectors.EVENT_READ, lambda: None)
            while self._is_wanted and not self._has_ended:
                _hear(selector, watch.pause)
                if _changed(watch):
                    self._tell()
            selector.unregister(watch)


def _hear(selector: selectors.BaseSelector, seconds: float | None) -> None:
    for key, _ in selector.select(seconds):
        key.data()


def _changed(watch: CommitWatch) -> bool:
    try:
        return watch.changed()
    except Exception:  # whatever is wrong with the database, the feeds look and tell
        connections.close_all()
        return True
