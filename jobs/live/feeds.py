"""A feed is a process's single reader of a job or of a window, for all who view it.

It reads what its viewers have not been sent, renders it once and sends it to each. Connecting, live
updates, resync and catching up after a slow moment are all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic

from .. import assets, database
from ..models import Job
from ..sentences import as_json
from ..tallies import Histogram
from .viewers import Frame, Known, Viewer

logger = logging.getLogger("truestep.live.feeds")

TICK_SECONDS = 2.0
GAP_SECONDS = 0.01  # the least and …
LONGEST_GAP_SECONDS = 0.05  # … the longest rest after an update
RETRY_SECONDS = 1.0
# Seconds from the poke that wakes a feed until the frames about it are queued for each viewer.
LAG = Histogram((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5))
TRY_AGAIN, NO_JOB = 1013, 4404  # codes with which a socket is closed

Read = Callable[..., Awaitable[Any]]  # runs a function in the thread that reads the database


def rest_after(took: float, least: float) -> float:
    """For how many seconds a feed rests after an update that *took* so long."""
    return max(least, min(took, LONGEST_GAP_SECONDS))


class Feed(ABC, Generic[Known]):
    """Updates its viewers when it is woken, and at each tick.

    A change is sent immediately. After that the feed rests for about as long as the update took,
    and then sends what came meanwhile as one: so it keeps up with any number of changes.
    """

    gap = GAP_SECONDS

    def __init__(self, read: Read) -> None:
        self.viewers: set[Viewer[Known]] = set()
        self._read = read
        self._is_woken = asyncio.Event()
        self._woken_at = 0.0  # in monotonic seconds
        self._lock_sentence: list[Any] = []  # who holds the database locked
        self._task = asyncio.create_task(self._run())

    @property
    @abstractmethod
    def group(self) -> str:
        """The Channels group that is poked when there may be something new."""

    @abstractmethod
    async def _update(self, viewers: list[Viewer[Known]], is_tick: bool) -> None:
        """Read what is new and send it to these viewers."""

    @property
    def is_running(self) -> bool:
        """Whether it still reads; not any more after its job was deleted."""
        return not self._task.done()

    def wake(self) -> None:
        """There may be something new."""
        if not self._is_woken.is_set():
            self._woken_at = time.monotonic()
        self._is_woken.set()

    def end(self) -> None:
        """Read nothing more."""
        self._task.cancel()

    async def _run(self) -> None:
        next_tick = time.monotonic()
        while True:
            is_woken = await self._wait_until(next_tick)
            woken_at = self._woken_at  # if it was woken; it may be again while it reads
            began = time.monotonic()
            is_tick = began >= next_tick
            if is_tick:
                next_tick = began + TICK_SECONDS
            self._drop_lost()
            try:
                if viewers := [viewer for viewer in self.viewers if viewer.has_room]:
                    await self._update(viewers, is_tick)
                    if is_woken:
                        LAG.observe(time.monotonic() - woken_at)
            except Job.DoesNotExist:
                self._say_gone()
                return
            except Exception as error:  # without a tick the pages say that they are not live
                logger.warning("%s cannot be read: %s", self.group, error)
                next_tick = time.monotonic()
                await asyncio.sleep(RETRY_SECONDS)
            if is_woken:
                await asyncio.sleep(0)  # meanwhile the viewers write what they were given
                await asyncio.sleep(rest_after(time.monotonic() - began, self.gap))

    async def _wait_until(self, deadline: float) -> bool:
        """Wait until it is woken, or until *deadline*: whether it was woken."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._is_woken.wait()
        is_woken = self._is_woken.is_set()
        self._is_woken.clear()
        return is_woken

    def _drop_lost(self) -> None:
        for viewer in self.viewers:
            if viewer.is_lost:
                viewer.close(TRY_AGAIN)

    def _say_gone(self) -> None:
        gone = Frame("gone")
        for viewer in self.viewers:
            viewer.put(gone)
            viewer.close(NO_JOB)

    async def _read_lock(self) -> None:
        self._lock_sentence = as_json(await self._read(database.lock_sentence))

    def _tick(self, **now: Any) -> Frame:
        """What there is *now*: a page that shows the same is up to date."""
        if self._lock_sentence:
            now["held"] = self._lock_sentence
        return Frame("tick", **now, version=assets.version())
