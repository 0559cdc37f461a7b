"""Sockets: who may watch, and what a page may say. Everything else is the feed's."""

from __future__ import annotations

import json
import logging
import time
from abc import ABC, abstractmethod
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict

from .. import database
from ..models import Job
from ..sight.job_list import Window, step_page_of, window_of
from ..sight.positions import Position
from ..sight.steps import StepPage
from .access import TOO_MANY
from .feeds import Feed
from .hub import get_hub
from .viewers import Frame, Viewer

logger = logging.getLogger("truestep.live.consumers")

TRY_AGAIN, BAD_FRAME, NO_JOB = 1013, 4400, 4404
TAG = 16  # characters of a position's tag: a window's has two digests
FRAME_BYTES = 4096  # a page says little
MOST_FOLLOWS = 64  # logs that a page may follow
BURST = 100  # frames that a page may send at once
FRAMES_PER_SECOND = 10  # … and in the long run


class Consumer(AsyncConsumer, ABC):  # type: ignore[misc]  # channels has no type hints
    """One page that watches something."""

    channel_layer_alias = None  # the hub is this process's only group member

    _viewer: Viewer | None = None
    _feed: Feed | None = None
    _closed = False
    _what: Any = None
    session_key = ""
    user: Any = None  # the primary key, once it is known

    @abstractmethod
    def _watched(self, query: QueryDict) -> int | Window:
        """What the page watches. Raises ValueError when it asks for nothing that can be."""

    @abstractmethod
    def _refusal(self) -> int:
        """The code to close with when there is no such thing; 0 when there is."""

    async def websocket_connect(self, message: Frame) -> None:
        await self.send({"type": "websocket.accept"})
        try:
            query = QueryDict(self.scope["query_string"])
            self._what = self._watched(query)
            position, page = _position(query), step_page_of(query)
        except (ValueError, SuspiciousOperation):  # the latter: more fields than Django takes
            await self._close(BAD_FRAME)
            return
        self.session_key = self.scope["session"].session_key or ""
        try:
            await self._watch(position, page)
        except database.DATABASE_ERRORS as error:
            logger.warning("A page cannot watch: %s", database.explain(error))
            self._leave()
            await self._close(TRY_AGAIN)
        except BaseException:  # a client that is gone cancels this: nobody would say goodbye
            self._leave()
            raise

    async def _watch(self, position: Position, page: StepPage) -> None:
        hub = get_hub()
        code, _, sees_logs = await hub.guard.admit(self)
        code = code or await hub.read(self._refusal)
        if code:
            hub.guard.release(self)
            await self._close(code)
        elif not self._closed:  # dismissed while we looked
            self._allowance, self._allowed_at = float(BURST), time.monotonic()
            self._viewer = Viewer(self._send_json, self._close, position, sees_logs, page)
            self._feed = hub.join(self._what, self._viewer)

    async def websocket_receive(self, message: Frame) -> None:
        if self._viewer is None or self._feed is None or self._closed:
            return
        if not self._is_allowed():
            await self._close(TOO_MANY)
            return
        try:
            is_news = self._hear(self._viewer, json.loads(_short(message.get("text"))))
        except (ValueError, TypeError, KeyError, RecursionError):
            await self._close(BAD_FRAME)
            return
        if len(self._viewer.follows) > MOST_FOLLOWS:
            await self._close(TOO_MANY)
        elif is_news:
            self._feed.news.set()

    async def websocket_disconnect(self, message: Frame) -> None:
        self._leave()
        raise StopConsumer

    def _leave(self) -> None:
        get_hub().guard.release(self)
        if self._viewer:
            get_hub().leave(self._what, self._viewer)

    async def dismiss(self, code: int) -> None:
        """Close now; nothing more is sent."""
        self._leave()
        if not self._closed:
            await self._close(code)

    def withhold_logs(self) -> None:
        """Go on without log frames."""
        if self._viewer:
            self._viewer.withhold_logs()

    def _hear(self, viewer: Viewer, frame: Frame) -> bool:
        """Act on a frame; True when the feed has to look.

        Raises ValueError, TypeError or KeyError when the frame is not a known one.
        """
        match frame["type"]:
            case "ack":
                had_room = viewer.has_room
                viewer.acknowledge(_number(frame["n"]))
                return not had_room
            case "resync":
                viewer.take_up(Position(_number(frame["seq"]), _text(frame["tag"])))
            case "follow":
                if viewer.sees_logs:
                    viewer.follows[_number(frame["step"])] = _lines(frame)
            case "unfollow":
                viewer.follows.pop(_number(frame["step"]), None)
            case other:
                raise ValueError(other)
        return True

    def _is_allowed(self) -> bool:
        now = time.monotonic()
        refill = (now - self._allowed_at) * FRAMES_PER_SECOND
        self._allowance = min(BURST, self._allowance + refill) - 1
        self._allowed_at = now
        return self._allowance >= 0

    async def _send_json(self, frame: Frame) -> None:
        await self.send({"type": "websocket.send", "text": json.dumps(frame)})

    async def _close(self, code: int) -> None:
        self._closed = True
        await self.send({"type": "websocket.close", "code": code})


class JobConsumer(Consumer):
    """One page that watches one job."""

    def _watched(self, query: QueryDict) -> int:
        return int(self.scope["url_route"]["kwargs"]["job_id"])

    def _refusal(self) -> int:
        return 0 if Job.objects.filter(pk=self._what).exists() else NO_JOB


class ListConsumer(Consumer):
    """One page that watches a window of the list."""

    def _watched(self, query: QueryDict) -> Window:
        return window_of(query)

    def _refusal(self) -> int:
        return 0


def _position(query: QueryDict) -> Position:
    """Where the page is: ``?seq=…&tag=…``; without them, at the very beginning."""
    return Position(_number(int(query.get("seq", "0"))), query.get("tag", "")[:TAG])


def _lines(frame: Frame) -> tuple[int, int | None]:
    """The log lines that a page asks for: from one on, up to one or without an end."""
    first = max(1, _number(frame["from"]))
    last = frame.get("to")
    if last is None:
        return first, None
    if _number(last) < first:
        raise ValueError(last)
    return first, last


def _short(text: Any) -> str:
    if not isinstance(text, str) or len(text) > FRAME_BYTES:
        raise ValueError("not a short text frame")
    return text


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value[:TAG]
