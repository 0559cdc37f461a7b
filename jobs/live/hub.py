"""This process's feeds, and what wakes them: pokes, or else commits of other processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from .. import news
from ..sight.windows import Window
from .access import AccessChecker
from .commits import CommitListener
from .feeds import Feed
from .job_feed import JobFeed
from .list_feed import ListFeed
from .pokes import PokeListener
from .viewers import Viewer


class FeedHub:
    """The feeds of one event loop, each for as long as it has a viewer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[int | Window, Feed[Any]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="truestep-feed")
        self.access = AccessChecker(self.read)
        self._pokes = PokeListener(self._groups, self._wake)
        hears_all = self._pokes.hears_other_processes
        self._commits = None if hears_all else CommitListener(self._wake_all_soon)
        news.adopt_loop(self._loop)

    def join(self, watched: int | Window, viewer: Viewer[Any]) -> Feed[Any]:
        """Let a viewer watch a job (by its id) or a window."""
        feed = self._feeds.get(watched)
        if feed is None:
            feed = self._feeds[watched] = self._new_feed(watched)
            self._pokes.refresh()
        feed.viewers.add(viewer)
        feed.wake()
        if self._commits:
            self._commits.start()
        return feed

    def has_feed(self, watched: int | Window) -> bool:
        """Whether it is being watched, so that it exists."""
        return watched in self._feeds and self._feeds[watched].is_running

    def leave(self, watched: int | Window, viewer: Viewer[Any]) -> None:
        """The viewer's socket is gone; harmless to repeat."""
        viewer.leave()
        feed = self._feeds.get(watched)
        if feed is None:
            return
        feed.viewers.discard(viewer)
        if not feed.viewers:
            del self._feeds[watched]
            feed.end()
            self._pokes.refresh()
        if not self._feeds:
            if self._commits:
                self._commits.stop()
            self._reader.submit(connections.close_all)  # of that thread: each has its own

    def sockets(self) -> Counter[str]:
        """How many viewers watch a job, and how many a list."""
        counted = Counter({"job": 0, "list": 0})
        for watched, feed in list(self._feeds.items()):
            counted["job" if isinstance(watched, int) else "list"] += len(feed.viewers)
        return counted

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function that reads in the feeds' own thread: consumers all share another one.

        The thread keeps its database connection while there are feeds.
        """
        run = _keeping_connection if self._feeds else _closing_connection
        return await self._loop.run_in_executor(self._reader, run, function, *args)

    def close(self) -> None:
        """Release threads and connections, once the loop is closed."""
        if self._commits:
            self._commits.end()
        self._reader.submit(connections.close_all).result()
        self._reader.shutdown()

    def _new_feed(self, watched: int | Window) -> Feed[Any]:
        if isinstance(watched, int):
            return JobFeed(self.read, watched)
        return ListFeed(self.read, watched)

    def _groups(self) -> set[str]:
        return {news.ACCESS, *(feed.group for feed in self._feeds.values())}

    def _wake(self, group: str) -> None:
        if group == news.ACCESS:
            self.access.wake()
        for feed in self._feeds.values():
            if feed.group == group:
                feed.wake()

    def _wake_all_soon(self) -> None:
        """Called in the thread that listens for commits."""
        with contextlib.suppress(RuntimeError):  # the loop is being closed
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        self.access.wake_for_commit()
        for feed in self._feeds.values():
            feed.wake()


_hubs: dict[asyncio.AbstractEventLoop, FeedHub] = {}


def get_hub() -> FeedHub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        close_ended()
        _hubs[loop] = FeedHub()
    return _hubs[loop]


def open_sockets() -> Counter[str]:
    """How many sockets this process has open, by what they watch."""
    counted = Counter({"job": 0, "list": 0})
    for loop, hub in list(_hubs.items()):
        if not loop.is_closed():
            counted.update(hub.sockets())
    return counted


def close_ended() -> None:
    """Close the hubs whose loops are closed."""
    for closed in [loop for loop in _hubs if loop.is_closed()]:
        _hubs.pop(closed).close()


def _keeping_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception:
        connections.close_all()  # the next read opens a working one
        raise


def _closing_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    finally:
        connections.close_all()
