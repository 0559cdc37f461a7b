"""The hub keeps this process's feeds and wakes them: by pokes or, without a broker, by commits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from .. import news
from ..sight.job_list import Window
from .access import Guard
from .feeds import Feed, JobFeed, WindowFeed
from .lookout import Lookout
from .pokes import Ear
from .viewers import Viewer


class Hub:
    """The feeds of one event loop, and what wakes them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[int | Window, Feed] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="truestep-feed")
        self.guard = Guard(self.read)
        self._ear = Ear(self._groups, self._wake)
        self._lookout = Lookout(self._tell_all) if self._ear.is_deaf else None
        news.adopt_loop(self._loop)

    def join(self, watched: int | Window, viewer: Viewer) -> Feed:
        """Let a viewer watch a job (by its id) or a window."""
        found = self._feeds.get(watched)
        if found is None:
            found = self._feeds[watched] = self._feed_of(watched)
            self._ear.refresh()
        found.viewers.add(viewer)
        found.news.set()
        if self._lookout:
            self._lookout.begin()
        return found

    def leave(self, watched: int | Window, viewer: Viewer) -> None:
        viewer.leave()
        found = self._feeds.get(watched)
        if found is None:
            return
        found.viewers.discard(viewer)
        if not found.viewers:
            del self._feeds[watched]
            found.end()
            self._ear.refresh()
        if not self._feeds:
            if self._lookout:
                self._lookout.rest()
            self._reader.submit(_close_connections)

    def _groups(self) -> set[str]:
        return {news.ACCESS, *(found.group for found in self._feeds.values())}

    def _feed_of(self, watched: int | Window) -> Feed:
        if isinstance(watched, int):
            return JobFeed(self.read, watched)
        return WindowFeed(self.read, watched)

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a read in the feeds' own thread: consumers all share another one.

        It keeps its connection to the database while somebody watches.
        """
        run = _keeping_connection if self._feeds else _closing_connection
        return await self._loop.run_in_executor(self._reader, run, function, *args)

    def close(self) -> None:
        """Let go of threads and connections, once the loop is closed."""
        if self._lookout:
            self._lookout.end()
        self._reader.submit(_close_connections).result()
        self._reader.shutdown()

    # -- what wakes a feed: pokes or, where those of other processes do not arrive, any commit

    def _wake(self, group: str) -> None:
        if group == news.ACCESS:
            self.guard.news.set()
        for found in self._feeds.values():
            if found.group == group:
                found.news.set()

    def _tell_all(self) -> None:
        """Called in the thread of the lookout."""
        with contextlib.suppress(RuntimeError):  # the loop closes just now
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        self.guard.news.set()
        for watched in self._feeds.values():
            watched.news.set()


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def get_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        close_ended()
        _hubs[loop] = Hub()
    return _hubs[loop]


def close_ended() -> None:
    """Close the hubs whose loops are closed."""
    for closed in [known for known in _hubs if known.is_closed()]:
        _hubs.pop(closed).close()


def _keeping_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception:
        connections.close_all()  # the next read begins with a sound one
        raise


def _closing_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    finally:
        connections.close_all()


def _close_connections() -> None:
    connections.close_all()  # of this thread: each has its own
