"""The hub keeps this process's feeds and wakes them: by pokes and, on SQLite, by any commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import connection

from .. import database, feed
from .feeds import Feed, JobFeed, WindowFeed
from .viewers import Viewer
from .windows import Rows, Window

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.005  # how soon a commit of another process is seen (SQLite)
RETRY_SECONDS = 1.0


class Hub:
    """The feeds of one event loop, and what wakes them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[int | Window | Rows, Feed] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="truestep-feed")
        self._layer = get_channel_layer()
        self._channel = ""
        self._pump: asyncio.Task[None] | None = None
        self._watching = threading.Event()
        if connection.vendor == "sqlite":
            watcher = threading.Thread(
                target=self._watch_commits, name="truestep-commits", daemon=True
            )
            watcher.start()
        feed.adopt_loop(self._loop)

    async def join(self, watched: int | Window | Rows, viewer: Viewer) -> Feed:
        """Let a viewer watch a job (by its id) or a window."""
        if self._pump is None:
            self._pump = asyncio.create_task(self._receive_pokes())
        found = self._feeds.get(watched)
        is_new = found is None
        if found is None:
            found = self._feeds[watched] = self._feed_of(watched)
        found.viewers.add(viewer)  # before anything is awaited: a feed without viewers is ended
        if is_new:
            await self._subscribe(found.group)
        found.news.set()
        self._watching.set()
        return found

    async def leave(self, watched: int | Window | Rows, viewer: Viewer) -> None:
        viewer.leave()
        found = self._feeds.get(watched)
        if found is None:
            return
        found.viewers.discard(viewer)
        if not found.viewers:
            del self._feeds[watched]
            found.end()
            await self._unsubscribe(found.group)
        if not self._feeds:
            self._watching.clear()

    def _feed_of(self, watched: int | Window | Rows) -> Feed:
        if isinstance(watched, int):
            return JobFeed(self.read, watched)
        return WindowFeed(self.read, watched)

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a read in the feeds' own thread: consumers all share another one."""
        return await self._loop.run_in_executor(self._reader, _with_connection, function, *args)

    # -- what wakes a feed: pokes, and (SQLite) anybody's commit

    async def _receive_pokes(self) -> None:
        while self._layer:
            try:
                if not self._channel:
                    self._channel = await self._layer.new_channel()
                    for group in {found.group for found in self._feeds.values()}:
                        await self._subscribe(group)
                message = await self._layer.receive(self._channel)
                for watched, found in list(self._feeds.items()):
                    if not isinstance(watched, int) or watched == message.get("job"):
                        found.news.set()
            except Exception as error:
                logger.warning("No pokes: %s. Open pages catch up by their tick.", error)
                self._channel = ""
                await asyncio.sleep(RETRY_SECONDS)

    async def _subscribe(self, group: str) -> None:
        if self._layer and self._channel:
            await self._layer.group_add(group, self._channel)

    async def _unsubscribe(self, group: str) -> None:
        if any(found.group == group for found in self._feeds.values()):
            return
        if self._layer and self._channel:
            await self._layer.group_discard(group, self._channel)

    def _watch_commits(self) -> None:
        """A thread of its own; it rests while nobody watches, and ends with the loop."""
        watch = database.CommitWatch()
        while not self._loop.is_closed():
            if not self._watching.wait(timeout=RETRY_SECONDS):
                continue
            time.sleep(POLL_SECONDS)
            if _changed(watch):
                with contextlib.suppress(RuntimeError):  # the loop closes just now
                    self._loop.call_soon_threadsafe(self._wake_all)
        connection.close()

    def _wake_all(self) -> None:
        for watched in self._feeds.values():
            watched.news.set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def _changed(watch: database.CommitWatch) -> bool:
    try:
        return watch.changed()
    except Exception:  # whatever is wrong with the database, the feeds look and tell
        connection.close()
        return True


def _with_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception:
        connection.close()  # the next read begins with a sound one
        raise
