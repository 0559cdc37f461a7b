"""Who may watch: asked when a socket opens, of all open ones every 10 s, and at each hint.

A socket outlives the request that opened it, so only a fresh look at the session, the user and the
permissions tells what is true now.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser, Group, Permission
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import DEFAULT_DB_ALIAS, router
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import conf, database, news

logger = logging.getLogger("truestep.live.access")

NO_LOGIN, NO_PERMISSION, TOO_MANY = 4401, 4403, 4429
CHECK_SECONDS = 10.0  # every open socket is looked at again this often, whatever hints were lost
GATHER_SECONDS = 0.2  # a hint of a logout comes just before the session is gone

Read = Callable[..., Awaitable[Any]]


class Verdict(NamedTuple):
    """What a session may do: the code to close with (0: watch), whose it is, and log reading."""

    code: int
    user: Any = None
    sees_logs: bool = False


class Guarded(Protocol):
    """An open socket."""

    session_key: str
    user: Any

    async def dismiss(self, code: int) -> None:
        """Close now; nothing more is sent."""

    def withhold_logs(self) -> None:
        """Go on without log frames."""


class Guard:
    """The open sockets of one process."""

    def __init__(self, read: Read) -> None:
        self.news = asyncio.Event()
        self._read = read
        self._sockets: set[Guarded] = set()
        self._task: asyncio.Task[None] | None = None
        self._asking: list[tuple[str, asyncio.Future[Verdict]]] = []
        self._looking = asyncio.Lock()

    async def admit(self, socket: Guarded) -> Verdict:
        """Whether a new socket may watch; from now on it is looked at until it is released."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._sockets.add(socket)  # first: a right that is lost while we look is looked at again
        verdict = await self._verdict(socket.session_key)
        socket.user = verdict.user
        if verdict.code == 0 and self._open(verdict.user) > conf.knobs().sockets:
            return Verdict(TOO_MANY)
        return verdict

    def release(self, socket: Guarded) -> None:
        self._sockets.discard(socket)

    async def _verdict(self, key: str) -> Verdict:
        """What a look from now on says: all who come during one share the next."""
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asking.append((key, answer))
        async with self._looking:
            if not answer.done():
                asking, self._asking = self._asking, []
                try:
                    found = await self._read(verdicts, {key for key, _ in asking})
                except BaseException:  # the others ask again, each for itself
                    others = [each for each in asking if each[1] is not answer]
                    self._asking = others + self._asking
                    raise
                for asked, other in asking:
                    other.set_result(found[asked])
        return answer.result()

    def _open(self, user: Any) -> int:
        return sum(socket.user == user for socket in self._sockets)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self.news.wait()
                    await asyncio.sleep(GATHER_SECONDS)
            self.news.clear()
            try:
                await self._check()
            except Exception as error:  # without a database there is nothing to show either
                logger.warning("Who may watch cannot be checked: %s", error)

    async def _check(self) -> None:
        sockets = list(self._sockets)
        if not sockets:
            return
        found = await self._read(verdicts, {socket.session_key for socket in sockets})
        refused = []
        for socket in sockets:
            verdict = found[socket.session_key]
            if verdict.code:
                refused.append(socket.dismiss(verdict.code))
            elif not verdict.sees_logs:
                socket.withhold_logs()
        await asyncio.gather(*refused, return_exceptions=True)  # some have just gone themselves


# --- one look at many sessions --------------------------------------------------------------------


def verdicts(keys: Collection[str]) -> dict[str, Verdict]:
    """What each session may do now; the number of queries does not depend on how many there are."""
    # One snapshot of the users' database: else who is deactivated meanwhile lacks a permission.
    with database.snapshot(router.db_for_read(auth.get_user_model())):
        sessions = dict(_sessions(keys))
        users = _users(sessions.values())
        watchers = _permitted(users.values(), "truestep.view_job")
        readers = _permitted(users.values(), "truestep.view_log")
    answers = dict.fromkeys(keys, Verdict(NO_LOGIN))
    for key, session in sessions.items():
        user = users.get(session.get(auth.SESSION_KEY, ""))
        if user is not None and _is_login_of(session, user):
            code = 0 if user.pk in watchers else NO_PERMISSION
            answers[key] = Verdict(code, user.pk, user.pk in readers)
    return answers


def _sessions(keys: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(store, DatabaseSessions):
        yield from ((key, store(key).load()) for key in keys if key)
        return
    rows = store.get_model_class().objects
    alive = rows.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    for key, data in alive.values_list("session_key", "session_data"):
        yield key, store().decode(data)


def _users(sessions: Collection[dict[str, Any]]) -> dict[str, Any]:
    """The active users of these sessions, by their primary keys as the sessions write them."""
    model = auth.get_user_model()
    field = model._meta.pk
    wanted = {
        field.to_python(session[auth.SESSION_KEY])
        for session in sessions
        if auth.SESSION_KEY in session
    }
    found = model._default_manager.filter(pk__in=wanted)
    return {field.value_to_string(user): user for user in found if getattr(user, "is_active", True)}


def _is_login_of(session: dict[str, Any], user: Any) -> bool:
    """Whether the session is a login that still counts: a new password ends all but its own."""
    known = session.get(auth.HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return session.get(auth.BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and any(
        constant_time_compare(known, valid) for valid in hashes
    )


def _permitted(users: Collection[Any], permission: str) -> set[Any]:
    """The primary keys of those who have it."""
    deciding = [backend for backend in auth.get_backends() if hasattr(backend, "has_perm")]
    is_djangos = issubclass(auth.get_user_model(), AbstractUser)  # else it may have no such columns
    if len(deciding) != 1 or type(deciding[0]) is not ModelBackend or not is_djangos:
        return {user.pk for user in users if user.has_perm(permission)}
    having = ModelBackend().with_perm(permission).filter(pk__in=[user.pk for user in users])
    return set(having.values_list("pk", flat=True))


# --- hints ----------------------------------------------------------------------------------------


def connect_signals() -> None:
    """Whatever may take a right away says so to the guards of all processes."""
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
    if update_fields is None or set(update_fields) != {"last_login"}:  # every login writes that
        news.announce_access(using)
