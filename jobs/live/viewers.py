"""A viewer is one socket: what it was sent, has acknowledged, and still has to be sent."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from ..logs import Choice
from ..sight.shown import LIST, Shown

logger = logging.getLogger("truestep.live.viewers")

# The server keeps unacknowledged frames in memory, so a viewer gets no more than this.
MOST_UNACKNOWLEDGED = 100  # frames
MOST_UNACKNOWLEDGED_BYTES = 512 * 1024
ACKNOWLEDGE_SECONDS = 30.0  # a viewer that acknowledges nothing for longer is dropped

Known = TypeVar("Known")  # what a viewer shows: a job's position, or a window's mark


class Follow(NamedTuple):
    """Lines of a log that a viewer wants."""

    start: int  # number of the next one; below 0: so many of the newest
    end: int | None = None  # number of the last one; None: without an end
    choice: Choice | None = None  # None: all lines
    most: int = 0  # no more frames once it has about so many; 0: as many as there are


class Frame:
    """What is sent to any number of viewers: made JSON once, to which each adds its own number."""

    def __init__(self, kind: str, **content: Any) -> None:
        self.kind = kind
        self._start = json.dumps({"type": kind, **content})[:-1]

    @property
    def size(self) -> int:
        """In bytes, for JSON is ASCII; without the number."""
        return len(self._start)

    def numbered(self, number: int) -> str:
        """The text of the frame that is a viewer's frame *number*."""
        return f'{self._start}, "n": {number}}}'


class Viewer(Generic[Known]):
    """One socket that watches a job or a window."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
        known: Known,
        sees_logs: bool,
        shown: Shown = LIST,
    ) -> None:
        self.known: Known | None = known  # None: the page is fetching itself again
        self.stale_at = known  # what there was when it was last sent "stale"
        self.shown = shown  # of the job
        self.follows: dict[int, Follow] = {}  # by step
        self.open_lines: dict[int, str] = {}  # step → the open line that it was sent last
        self.sees_logs = sees_logs
        self.awaits_tick = True  # a page that has just connected gets a tick immediately
        self._pulse: Frame | None = None  # the last one that it was sent
        self._send = send
        self._close = close
        self._is_closing = False
        self._sent = 0
        self._acknowledged = 0
        self._unacknowledged: deque[tuple[int, int]] = deque()  # (number, size) of each frame
        self._unacknowledged_bytes = 0
        self._waits_since = time.monotonic()
        self._outgoing: asyncio.Queue[tuple[Frame, int] | int] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def put(self, frame: Frame) -> None:
        """Queue a frame. Ask ``has_room`` first: it bounds their number and size."""
        if self._sent == self._acknowledged:
            self._waits_since = time.monotonic()
        self._sent += 1
        self._unacknowledged.append((self._sent, frame.size))
        self._unacknowledged_bytes += frame.size
        self._outgoing.put_nowait((frame, self._sent))

    def put_tick(self, tick: Frame) -> None:
        """Queue the tick that it may be waiting for."""
        self.awaits_tick = False
        self.put(tick)

    def put_pulse(self, pulse: Frame) -> None:
        """Queue a pulse, unless it is the one that it was sent last."""
        if pulse is not self._pulse:
            self._pulse = pulse
            self.put(pulse)

    def go_on_from(self, known: Known) -> None:
        """The page shows this now. After it fetched itself again, it gets a tick immediately."""
        self._pulse = None  # it may have lost that one, or drawn over it
        self.awaits_tick = self.awaits_tick or self.known is None
        self.known = known

    def follow(self, step: int, what: Follow) -> None:
        """It gets these lines of a step's log; it shows no open line now."""
        self.follows[step] = what
        self.open_lines.pop(step, None)

    def withhold_logs(self) -> None:
        """Send no further log frame, not even one that is queued."""
        self.sees_logs = False
        self.follows.clear()

    def close(self, code: int) -> None:
        """Close the socket after the queued frames; only the first call counts."""
        if not self._is_closing:
            self._is_closing = True
            self._outgoing.put_nowait(code)

    def acknowledge(self, n: int) -> None:
        """The page has received all frames up to number *n*."""
        if n <= self._acknowledged:
            return
        self._acknowledged = min(n, self._sent)
        self._waits_since = time.monotonic()
        while self._unacknowledged and self._unacknowledged[0][0] <= self._acknowledged:
            self._unacknowledged_bytes -= self._unacknowledged.popleft()[1]

    @property
    def has_room(self) -> bool:
        """Whether it may be sent another frame."""
        is_read = (
            self._sent - self._acknowledged < MOST_UNACKNOWLEDGED
            and self._unacknowledged_bytes < MOST_UNACKNOWLEDGED_BYTES
        )
        return is_read and not self._is_closing

    @property
    def is_lost(self) -> bool:
        """Whether it was sent frames and has acknowledged none for too long."""
        is_late = time.monotonic() - self._waits_since > ACKNOWLEDGE_SECONDS
        return is_late and self._sent > self._acknowledged

    def leave(self) -> None:
        """Send nothing more; the socket is gone."""
        self._writer.cancel()

    async def _write(self) -> None:
        try:
            while isinstance(item := await self._outgoing.get(), tuple):
                frame, number = item
                if frame.kind != "log" or self.sees_logs:
                    await self._send(frame.numbered(number))
            await self._close(item)
        except Exception as error:
            logger.warning("A frame could not be sent, the socket is closed: %s", error)
            await self._close(1011)
