"""Who may watch: asked when a socket opens, of all open ones every 10 s, and at each hint.

A socket outlives the request that opened it, so only the current session, user and permissions say
what its viewer may do now.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from django.contrib import auth
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_out
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import m2m_changed, post_delete, post_save

from .. import conf, news
from .sessions import Access, read_access

logger = logging.getLogger("truestep.live.access")

TOO_MANY = 4429  # the code with which a socket is closed
CHECK_SECONDS = 10.0  # every open socket is checked again this often, whatever hints were lost
GATHER_SECONDS = 0.2  # from a hint to a check: the hint of a logout comes before its session ends
AGAIN_SECONDS = 2.0  # … and to the next check, in case that took longer
COMMIT_SECONDS = 1.0  # from a commit, which seldom concerns a viewer, to a check

Read = Callable[..., Awaitable[Any]]


class Socket(Protocol):
    """What an open socket offers."""

    session_key: str
    user: Any

    async def dismiss(self, code: int) -> None:
        """Close the socket; send nothing more."""

    def withhold_logs(self) -> None:
        """Send no more log frames."""


class AccessChecker:
    """Checks the open sockets of one process."""

    def __init__(self, read: Read) -> None:
        """*read* runs a function in the thread that reads the database."""
        self._read = read
        self._sockets: set[Socket] = set()
        self._task: asyncio.Task[None] | None = None
        self._due = 0.0  # when the next check is, in monotonic seconds
        self._hinted_at = -AGAIN_SECONDS
        self._is_sooner = asyncio.Event()
        self._asking: list[tuple[str, asyncio.Future[Access]]] = []
        self._reading = asyncio.Lock()

    def wake(self) -> None:
        """A viewer may have lost a permission: check all sockets."""
        self._hinted_at = time.monotonic()
        self._check_within(GATHER_SECONDS)

    def wake_for_commit(self) -> None:
        """Something was committed, which may be that a viewer has lost a permission."""
        self._check_within(COMMIT_SECONDS)

    def _check_within(self, seconds: float) -> None:
        due = time.monotonic() + seconds
        if due < self._due:
            self._due = due
            self._is_sooner.set()

    async def admit(self, socket: Socket) -> Access:
        """Whether a new socket may watch; it is checked again until it is released."""
        if self._task is None:
            self._due = time.monotonic() + CHECK_SECONDS
            self._task = asyncio.create_task(self._run())
        self._sockets.add(socket)  # first: a permission that is lost meanwhile is noticed
        access = await self._access_of(socket.session_key)
        socket.user = access.user
        if access.code == 0 and self._count(access.user) > conf.knobs().sockets:
            return Access(TOO_MANY)
        return access

    def release(self, socket: Socket) -> None:
        """The socket is closed; harmless to repeat."""
        self._sockets.discard(socket)

    async def _access_of(self, key: str) -> Access:
        """What a read from now on says. All who ask during one read share the next."""
        answer: asyncio.Future[Access] = asyncio.get_running_loop().create_future()
        self._asking.append((key, answer))
        async with self._reading:
            if not answer.done():
                await self._answer_all(answer)
        return answer.result()

    async def _answer_all(self, own: asyncio.Future[Access]) -> None:
        asking, self._asking = self._asking, []
        try:
            found = await self._read(read_access, {key for key, _ in asking})
        except BaseException:  # the others ask again, each for itself
            self._asking = [each for each in asking if each[1] is not own] + self._asking
            raise
        for key, answer in asking:
            answer.set_result(found[key])

    def _count(self, user: Any) -> int:
        return sum(socket.user == user for socket in self._sockets)

    async def _run(self) -> None:
        while True:
            while (left := self._due - time.monotonic()) > 0:
                self._is_sooner.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._is_sooner.wait()
            now = time.monotonic()
            is_early = now < self._hinted_at + AGAIN_SECONDS
            self._due = now + (AGAIN_SECONDS if is_early else CHECK_SECONDS)  # before other hints
            try:
                await self._check()
            except Exception as error:  # without a database there is nothing to show either
                logger.warning("Who may watch cannot be checked: %s", error)

    async def _check(self) -> None:
        sockets = list(self._sockets)
        if not sockets:
            return
        found = await self._read(read_access, {socket.session_key for socket in sockets})
        refused = []
        for socket in sockets:
            access = found[socket.session_key]
            if access.code:
                refused.append(socket.dismiss(access.code))
            elif not access.sees_logs:
                socket.withhold_logs()
        await asyncio.gather(*refused, return_exceptions=True)  # some have just closed themselves


def connect_signals() -> None:
    """Send a hint whenever a viewer may have lost a permission."""
    user = auth.get_user_model()
    user_logged_out.connect(_hint)
    post_save.connect(_hint, sender=user)
    for model in (user, Group, Permission):
        post_delete.connect(_hint, sender=model)
    for holder in (user, Group):
        for relation in holder._meta.many_to_many:
            if relation.related_model in (Group, Permission):
                m2m_changed.connect(_hint, sender=relation.remote_field.through)


def _hint(
    update_fields: Collection[str] | None = None, using: str = DEFAULT_DB_ALIAS, **kwargs: Any
) -> None:
    if update_fields is None or set(update_fields) != {"last_login"}:  # written by every login
        news.announce_access(using)
