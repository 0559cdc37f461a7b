"""What the viewers of many sessions may do now, read in a few queries.

Django answers this for one request at a time. The same rules are applied here to all open sockets:
a session that has not expired, an active user, the password of the login, and the permission.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import router
from django.http import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import database
from ..permissions import LOG, NAMES, VIEW

NO_LOGIN, NO_PERMISSION = 4401, 4403  # codes with which a socket is closed


class Access(NamedTuple):
    """What the viewer of a session may do."""

    code: int  # the one to close the socket with; 0: they may watch
    user: Any = None  # the primary key
    sees_logs: bool = False


def session_key_of(scope: dict[str, Any]) -> str:
    """The key of the session that the cookie of an ASGI connection names; "" without one."""
    cookies = [value.decode("latin1") for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie(";".join(cookies)).get(settings.SESSION_COOKIE_NAME, "")


def read_access(keys: Collection[str]) -> dict[str, Access]:
    """What the viewer of each session may do, in the same four queries for any number of them."""
    # One snapshot of the users' database: otherwise a user who is deactivated meanwhile would only
    # seem to lack a permission.
    with database.snapshot(router.db_for_read(auth.get_user_model())):
        sessions = dict(_sessions(keys))
        users = _users(sessions.values())
        watchers = _permitted(users.values(), NAMES[VIEW])
        readers = _permitted(users.values(), NAMES[LOG])
    hashes = {key: _session_hashes(user) for key, user in users.items()}
    answers = dict.fromkeys(keys, Access(NO_LOGIN))
    for key, session in sessions.items():
        user_key = session.get(auth.SESSION_KEY, "")
        user = users.get(user_key)
        if user is not None and _is_login(session, hashes[user_key]):
            code = 0 if user.pk in watchers else NO_PERMISSION
            answers[key] = Access(code, user.pk, user.pk in readers)
    return answers


def _sessions(keys: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(store, DatabaseSessions):
        yield from ((key, store(key).load()) for key in keys if key)
        return
    rows = store.get_model_class().objects
    alive = rows.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    for key, data in alive.values_list("session_key", "session_data"):
        yield key, _decode(store, data)


@lru_cache(maxsize=4096)
def _decode(store: type[DatabaseSessions], data: str) -> dict[str, Any]:
    """What a session says. To verify its signature again at every check would cost the most."""
    return store().decode(data)


def _users(sessions: Collection[dict[str, Any]]) -> dict[str, Any]:
    """The active users of these sessions, by primary key as a session writes it."""
    model = auth.get_user_model()
    field = model._meta.pk
    wanted = {
        field.to_python(session[auth.SESSION_KEY])
        for session in sessions
        if auth.SESSION_KEY in session
    }
    found = model._default_manager.filter(pk__in=wanted)
    return {field.value_to_string(user): user for user in found if getattr(user, "is_active", True)}


def _session_hashes(user: Any) -> list[str]:
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def _is_login(session: dict[str, Any], hashes: list[str]) -> bool:
    """Whether the session is a valid login: a new password ends all sessions but its own."""
    known = session.get(auth.HASH_SESSION_KEY, "")
    return session.get(auth.BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and any(
        constant_time_compare(known, valid) for valid in hashes
    )


def _permitted(users: Collection[Any], permission: str) -> set[Any]:
    """The primary keys of the users who have the permission."""
    deciding = [backend for backend in auth.get_backends() if hasattr(backend, "has_perm")]
    is_djangos = issubclass(auth.get_user_model(), AbstractUser)  # else it may have no such columns
    if len(deciding) != 1 or type(deciding[0]) is not ModelBackend or not is_djangos:
        return {user.pk for user in users if user.has_perm(permission)}
    having = ModelBackend().with_perm(permission).filter(pk__in=[user.pk for user in users])
    return set(having.values_list("pk", flat=True))
