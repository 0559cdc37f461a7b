"""Sockets: who may watch, and what a page may say. What it is sent is the feed's."""

from __future__ import annotations

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict

from .. import database
from ..logs import Choice
from ..models import Job
from ..runner import LEVELS
from ..sight.positions import Position
from ..sight.shown import Shown, shown_of
from ..sight.windows import Window, window_of
from .access import TOO_MANY
from .feeds import NO_JOB, TRY_AGAIN, Feed
from .hub import get_hub
from .sessions import session_key_of
from .viewers import Follow, Viewer

logger = logging.getLogger("truestep.live.consumers")

BAD_FRAME = 4400  # the code with which a socket is closed
TAG = 16  # characters of a tag or mark
FRAME_BYTES = 4096  # pages say little
MOST_FOLLOWS = 64  # logs that a page may follow
MOST_NEWEST = 500  # lines that it may ask for without their numbers
BURST = 100  # frames that a page may send in a row
FRAMES_PER_SECOND = 10  # … and in the long run

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


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


class Consumer(ABC):
    """The socket of a page that watches something: an ASGI application for one connection.

    It is not one of Channels' consumers: they run each message of a page in two tasks, with a look
    at the database's connections in another thread, and a thousand pages send many.
    """

    session_key = ""
    user: Any = None  # the primary key, once it is known

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._viewer: Viewer[Any] | None = None
        self._feed: Feed[Any] | None = None
        self._watched: Any = None
        self._is_closed = False
        self._allowance = Allowance()

    @classmethod
    async def serve(cls, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application: a consumer for each connection."""
        await cls(scope, receive, send)._run()

    @abstractmethod
    def _target(self, query: QueryDict) -> int | Window:
        """What the page watches. Raises ValueError when the query is malformed."""

    @abstractmethod
    def _known_by_query(self, query: QueryDict) -> Any:
        """What the page shows when it connects. Raises ValueError when that is malformed."""

    @abstractmethod
    def _known_by_frame(self, frame: Message) -> Any:
        """What the page shows now. Raises ValueError, TypeError or KeyError when malformed."""

    @abstractmethod
    def _refusal(self) -> int:
        """The code to close with when what is watched does not exist; else 0."""

    async def _run(self) -> None:
        try:
            await self._receive()  # the handshake
            await self._connect()
            while (message := await self._receive())["type"] == "websocket.receive":
                await self._hear(message.get("text"))
        finally:
            self._leave()

    async def _connect(self) -> None:
        """Accept, then close with a code when the page may not watch: a browser sees only that."""
        await self._tell({"type": "websocket.accept"})
        try:
            query = QueryDict(self._scope["query_string"])
            self._watched = self._target(query)
            known, shown = self._known_by_query(query), shown_of(query)
        except (ValueError, SuspiciousOperation):  # the latter: more fields than Django takes
            await self._close(BAD_FRAME)
            return
        self.session_key = session_key_of(self._scope)
        try:
            await self._watch(known, shown)
        except database.DATABASE_ERRORS as error:
            logger.warning("A page cannot watch: %s", database.explain(error))
            self._leave()
            await self._close(TRY_AGAIN)

    async def _watch(self, known: Any, shown: Shown) -> None:
        hub = get_hub()
        code, _, sees_logs = await hub.access.admit(self)
        if not code and not hub.has_feed(self._watched):
            code = await hub.read(self._refusal)
        if code:
            hub.access.release(self)
            await self._close(code)
        elif not self._is_closed:  # dismissed in the meantime
            self._viewer = Viewer(self._send_text, self._close, known, sees_logs, shown)
            self._feed = hub.join(self._watched, self._viewer)

    async def _hear(self, text: Any) -> None:
        """Act on a frame of the page."""
        if self._viewer is None or self._feed is None or self._is_closed:
            return
        if not self._allowance.take():
            await self._close(TOO_MANY)
            return
        try:
            wants_update = self._act(self._viewer, json.loads(_short(text)))
        except (ValueError, TypeError, KeyError, RecursionError):
            await self._close(BAD_FRAME)
            return
        if len(self._viewer.follows) > MOST_FOLLOWS:
            await self._close(TOO_MANY)
        elif wants_update:
            self._feed.wake()

    def _leave(self) -> None:
        get_hub().access.release(self)
        if self._viewer:
            get_hub().leave(self._watched, self._viewer)

    async def dismiss(self, code: int) -> None:
        """Close the socket; send nothing more."""
        self._leave()
        await self._close(code)

    def withhold_logs(self) -> None:
        """Send no more log frames."""
        if self._viewer:
            self._viewer.withhold_logs()

    def _act(self, viewer: Viewer[Any], frame: Message) -> bool:
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
                    viewer.follow(_number(frame["step"]), _lines(frame))
            case "unfollow":
                viewer.follows.pop(_number(frame["step"]), None)
            case other:
                raise ValueError(other)
        return True

    async def _send_text(self, text: str) -> None:
        if not self._is_closed:
            await self._tell({"type": "websocket.send", "text": text})

    async def _close(self, code: int) -> None:
        """Close the socket; only the first call counts."""
        if not self._is_closed:
            self._is_closed = True
            await self._tell({"type": "websocket.close", "code": code})

    async def _tell(self, message: Message) -> None:
        """Pass a message to the server, unless the client is gone."""
        try:
            await self._send(message)
        except (OSError, RuntimeError):  # the latter: uvicorn has closed the socket itself
            self._is_closed = True


class JobConsumer(Consumer):
    """The socket of a page that shows one job."""

    def _target(self, query: QueryDict) -> int:
        return int(self._scope["url_route"]["kwargs"]["job_id"])

    def _known_by_query(self, query: QueryDict) -> Position:
        return Position(_number(int(query.get("seq", "0"))), _text(query.get("tag", "")))

    def _known_by_frame(self, frame: Message) -> Position:
        return Position(_number(frame["seq"]), _text(frame["tag"]))

    def _refusal(self) -> int:
        return 0 if Job.objects.filter(pk=self._watched).exists() else NO_JOB


class ListConsumer(Consumer):
    """The socket of a page that shows a window."""

    def _target(self, query: QueryDict) -> Window:
        return window_of(query)

    def _known_by_query(self, query: QueryDict) -> str:
        return _text(query.get("mark", ""))

    def _known_by_frame(self, frame: Message) -> str:
        return _text(frame["mark"])

    def _refusal(self) -> int:
        return 0


def _lines(frame: Message) -> Follow:
    """The log lines that a page asks for: ``from`` a number on, or the ``newest`` so many.

    ``to`` is the number of the last one, ``most`` how many are enough; without either, they have no
    end. ``level`` is the least, and lines of ``folded`` groups are left out.
    """
    last, newest = frame.get("to"), min(_number(frame.get("newest", 0)), MOST_NEWEST)
    first = -newest if newest else max(1, _number(frame["from"]))
    if last is not None and _number(last) < first:
        raise ValueError(last)
    level, folded = frame.get("level", ""), frame.get("folded", [])
    if not isinstance(folded, list):
        raise TypeError(folded)
    is_all = not (level or folded)
    groups = frozenset(map(_number, folded))
    choice = None if is_all else Choice(LEVELS[level or "debug"], groups)
    return Follow(first, last, choice, min(_number(frame.get("most", 0)), MOST_NEWEST))


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
