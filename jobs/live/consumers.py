"""Sockets: who may watch, and what a page may say. What it is sent is the feed's."""

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
from .feeds import NO_JOB, TRY_AGAIN, Feed
from .hub import get_hub
from .viewers import Frame, Viewer

logger = logging.getLogger("truestep.live.consumers")

BAD_FRAME = 4400  # the code with which a socket is closed
TAG = 16  # characters of a tag or mark
FRAME_BYTES = 4096  # pages say little
MOST_FOLLOWS = 64  # logs that a page may follow
BURST = 100  # frames that a page may send in a row
FRAMES_PER_SECOND = 10  # … and in the long run


class Allowance:
    """How many frames a page may send now."""

    def __init__(self) -> None:
        self._left, self._at = float(BURST), time.monotonic()

    def take(self) -> bool:
        """Use one; False when none is left."""
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._at) * FRAMES_PER_SECOND) - 1
        self._at = now
        return self._left >= 0


class Consumer(AsyncConsumer, ABC):  # type: ignore[misc]  # channels has no type hints
    """The socket of a page that watches something."""

    channel_layer_alias = None  # the hub is this process's only member of the groups

    _viewer: Viewer[Any] | None = None
    _feed: Feed[Any] | None = None
    _is_closed = False
    _watched: Any = None
    session_key = ""
    user: Any = None  # the primary key, once it is known

    @abstractmethod
    def _target(self, query: QueryDict) -> int | Window:
        """What the page watches. Raises ValueError when the query is malformed."""

    @abstractmethod
    def _known_by_query(self, query: QueryDict) -> Any:
        """What the page shows when it connects. Raises ValueError when that is malformed."""

    @abstractmethod
    def _known_by_frame(self, frame: Frame) -> Any:
        """What the page shows now. Raises ValueError, TypeError or KeyError when malformed."""

    @abstractmethod
    def _refusal(self) -> int:
        """The code to close with when what is watched does not exist; else 0."""

    async def websocket_connect(self, message: Frame) -> None:
        """Accept, then close with a code when the page may not watch: a browser sees only that."""
        await self.send({"type": "websocket.accept"})
        try:
            query = QueryDict(self.scope["query_string"])
            self._watched = self._target(query)
            known, page = self._known_by_query(query), step_page_of(query)
        except (ValueError, SuspiciousOperation):  # the latter: more fields than Django takes
            await self._close(BAD_FRAME)
            return
        self.session_key = self.scope["session"].session_key or ""
        try:
            await self._watch(known, page)
        except database.DATABASE_ERRORS as error:
            logger.warning("A page cannot watch: %s", database.explain(error))
            self._leave()
            await self._close(TRY_AGAIN)
        except BaseException:  # a client that is gone cancels this, and nothing disconnects later
            self._leave()
            raise

    async def _watch(self, known: Any, page: StepPage) -> None:
        hub = get_hub()
        code, _, sees_logs = await hub.access.admit(self)
        code = code or await hub.read(self._refusal)
        if code:
            hub.access.release(self)
            await self._close(code)
        elif not self._is_closed:  # dismissed in the meantime
            self._allowance = Allowance()
            self._viewer = Viewer(self._send_json, self._close, known, sees_logs, page)
            self._feed = hub.join(self._watched, self._viewer)

    async def websocket_receive(self, message: Frame) -> None:
        """Act on a frame of the page."""
        if self._viewer is None or self._feed is None or self._is_closed:
            return
        if not self._allowance.take():
            await self._close(TOO_MANY)
            return
        try:
            wants_update = self._act(self._viewer, json.loads(_short(message.get("text"))))
        except (ValueError, TypeError, KeyError, RecursionError):
            await self._close(BAD_FRAME)
            return
        if len(self._viewer.follows) > MOST_FOLLOWS:
            await self._close(TOO_MANY)
        elif wants_update:
            self._feed.wake()

    async def websocket_disconnect(self, message: Frame) -> None:
        """The page is gone."""
        self._leave()
        raise StopConsumer

    def _leave(self) -> None:
        get_hub().access.release(self)
        if self._viewer:
            get_hub().leave(self._watched, self._viewer)

    async def dismiss(self, code: int) -> None:
        """Close the socket; send nothing more."""
        self._leave()
        if not self._is_closed:
            await self._close(code)

    def withhold_logs(self) -> None:
        """Send no more log frames."""
        if self._viewer:
            self._viewer.withhold_logs()

    def _act(self, viewer: Viewer[Any], frame: Frame) -> bool:
        """Act on a frame: whether the feed has to look.

        Raises ValueError, TypeError or KeyError when it is not a known frame.
        """
        match frame["type"]:
            case "ack":
                had_room = viewer.has_room
                viewer.acknowledge(_number(frame["n"]))
                return not had_room
            case "resync":
                viewer.go_on_from(self._known_by_frame(frame))
            case "follow":
                if viewer.sees_logs:
                    viewer.follows[_number(frame["step"])] = _lines(frame)
            case "unfollow":
                viewer.follows.pop(_number(frame["step"]), None)
            case other:
                raise ValueError(other)
        return True

    async def _send_json(self, frame: Frame) -> None:
        await self.send({"type": "websocket.send", "text": json.dumps(frame)})

    async def _close(self, code: int) -> None:
        self._is_closed = True
        await self.send({"type": "websocket.close", "code": code})


class JobConsumer(Consumer):
    """The socket of a page that shows one job."""

    def _target(self, query: QueryDict) -> int:
        return int(self.scope["url_route"]["kwargs"]["job_id"])

    def _known_by_query(self, query: QueryDict) -> Position:
        return Position(_number(int(query.get("seq", "0"))), _text(query.get("tag", "")))

    def _known_by_frame(self, frame: Frame) -> Position:
        return Position(_number(frame["seq"]), _text(frame["tag"]))

    def _refusal(self) -> int:
        return 0 if Job.objects.filter(pk=self._watched).exists() else NO_JOB


class ListConsumer(Consumer):
    """The socket of a page that shows a window."""

    def _target(self, query: QueryDict) -> Window:
        return window_of(query)

    def _known_by_query(self, query: QueryDict) -> str:
        return _text(query.get("mark", ""))

    def _known_by_frame(self, frame: Frame) -> str:
        return _text(frame["mark"])

    def _refusal(self) -> int:
        return 0


def _lines(frame: Frame) -> tuple[int, int | None]:
    """The log lines that a page asks for: the first, and the last (None: without an end)."""
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
