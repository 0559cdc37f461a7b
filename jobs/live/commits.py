"""A thread that waits for commits, for web processes that get no pokes of other processes."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable
from contextlib import closing

from django.db import connections

from ..database import CommitWatch, watch_commits
from ..system.wakeup import Wakeup

WAKE_UPS = 150  # a second: some for each of forty moves


class CommitListener:
    """Calls *on_commit*, in a separate thread, when another process may have committed.

    Between ``stop`` and ``start``, and before the first ``start``, it costs nothing.
    """

    def __init__(self, on_commit: Callable[[], None]) -> None:
        self._on_commit = on_commit
        self._is_listening = self._has_ended = False
        self._wakeup = Wakeup()
        self._thread = threading.Thread(target=self._run, name="truestep-commits", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Listen from now on; harmless to repeat."""
        if not self._is_listening:
            self._is_listening = True
            self._wakeup.wake()

    def stop(self) -> None:
        """Stop listening until ``start``."""
        self._is_listening = False
        self._wakeup.wake()

    def end(self) -> None:
        """End the thread; returns when it is gone."""
        self._has_ended = True
        self._wakeup.wake()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakeup, selectors.EVENT_READ, self._wakeup.clear)
            while not self._has_ended:
                if self._is_listening:
                    self._listen(selector)
                else:
                    _select(selector, None)

    def _listen(self, selector: selectors.BaseSelector) -> None:
        with closing(watch_commits(WAKE_UPS)) as watch:
            selector.register(watch, selectors.EVENT_READ, lambda: None)
            while self._is_listening and not self._has_ended:
                _select(selector, watch.pause)
                if has_commit(watch):
                    self._on_commit()
            selector.unregister(watch)


def _select(selector: selectors.BaseSelector, seconds: float | None) -> None:
    for key, _ in selector.select(seconds):
        key.data()


def has_commit(watch: CommitWatch) -> bool:
    """Whether another process may have committed; True when the database cannot be asked."""
    try:
        return watch.changed()
    except Exception:  # the feeds look, and say what is wrong with the database
        connections.close_all()
        return True
