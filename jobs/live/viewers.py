"""A viewer is one socket: what it was sent, what it has acknowledged, what waits to be sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from ..sight.positions import Position
from ..sight.steps import FIRST_PAGE, StepPage

logger = logging.getLogger("truestep.live.viewers")

WINDOW = 100  # frames that a page may leave unacknowledged
WINDOW_BYTES = 512 * 1024  # … and how much HTML in them: the server holds it until it is read
SILENCE_SECONDS = 30.0  # … and for how long, before it is dropped

Frame = dict[str, Any]


class Viewer:
    """One socket that watches a job or a window of the list."""

    def __init__(
        self,
        send: Callable[[Frame], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
        position: Position,
        sees_logs: bool,
        page: StepPage = FIRST_PAGE,
    ) -> None:
        self.position: Position | None = position  # None: the page is fetching itself anew
        self.told = position  # what a page that is doing so was told last that there is
        self.page = page  # of the job's steps
        # step → number of the next log line, and of the last one (None: and whatever follows)
        self.follows: dict[int, tuple[int, int | None]] = {}
        self.sees_logs = sees_logs
        self.awaits_tick = True  # a page that has just connected is told at once where it is
        self._send = send
        self._close = close
        self._is_closing = False
        self._sent = 0
        self._acked = 0
        self._unacked: deque[tuple[int, int]] = deque()  # (number, size) of each frame
        self._unacked_bytes = 0
        self._waits_since = time.monotonic()
        self._outgoing: asyncio.Queue[Frame | int] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def put(self, frame: Frame) -> None:
        """Queue a frame; the window bounds how many there can be, and how large."""
        if self._sent == self._acked:
            self._waits_since = time.monotonic()
        self._sent += 1
        size = len(frame.get("html", "").encode())
        self._unacked.append((self._sent, size))
        self._unacked_bytes += size
        self._outgoing.put_nowait(frame | {"n": self._sent})

    def take_up(self, position: Position) -> None:
        """Go on from here. Who has fetched itself anew is told at once whether it is right."""
        self.awaits_tick = self.awaits_tick or self.position is None
        self.position = position

    def withhold_logs(self) -> None:
        """Send no further log frame, not even one that waits."""
        self.sees_logs = False
        self.follows.clear()

    def close(self, code: int) -> None:
        """Say goodbye, once; nothing is put after it."""
        if not self._is_closing:
            self._is_closing = True
            self._outgoing.put_nowait(code)

    def acknowledge(self, n: int) -> None:
        if n <= self._acked:
            return
        self._acked = min(n, self._sent)
        self._waits_since = time.monotonic()
        while self._unacked and self._unacked[0][0] <= self._acked:
            self._unacked_bytes -= self._unacked.popleft()[1]

    @property
    def has_room(self) -> bool:
        unread = self._sent - self._acked
        has_space = unread < WINDOW and self._unacked_bytes < WINDOW_BYTES
        return has_space and not self._is_closing

    @property
    def is_lost(self) -> bool:
        """It has been sent frames and has acknowledged none for too long."""
        late = time.monotonic() - self._waits_since > SILENCE_SECONDS
        return late and self._sent > self._acked

    def leave(self) -> None:
        self._writer.cancel()

    async def _write(self) -> None:
        while True:
            item = await self._outgoing.get()
            if isinstance(item, dict) and item["type"] == "log" and not self.sees_logs:
                continue
            try:
                await (self._close(item) if isinstance(item, int) else self._send(item))
            except Exception as error:
                logger.warning("A frame could not be sent, the socket is closed: %s", error)
                await self._close(1011)
                return
