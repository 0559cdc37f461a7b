"""How long a write waits for its turn and for locks: by process, and by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.backends.signals import connection_created

from .dialect import Dialect
from .dialects import dialect, dialect_of
from .routing import alias, connection

LOCK_TIMEOUT_SECONDS = 20.0  # unless the process or the block says otherwise
IDLE_SECONDS = 10.0  # after which a frozen process loses the locks of its transaction


@dataclass
class _Process:
    """What this process has set."""

    seconds: float = LOCK_TIMEOUT_SECONDS
    limits_connections: bool = False  # else they wait as long as their settings say


_process = _Process()
_of_block: ContextVar[float | None] = ContextVar("truestep_lock_timeout", default=None)


def set_lock_timeout(seconds: float) -> None:
    """From now on, writes of this process wait so long for their turn, and for any lock."""
    global _process
    _process = _Process(seconds, limits_connections=True)
    if connection.connection is not None:
        _limit(dialect())


@contextmanager
def restoring_lock_timeout() -> Iterator[None]:
    """Undo at the end of the block what ``set_lock_timeout`` changed inside."""
    global _process
    before = _process
    try:
        yield
    finally:
        _process = before
        if not connection.in_atomic_block:
            connection.close()  # with its limits


@contextmanager
def lock_timeout(seconds: float) -> Iterator[None]:
    """Inside, writes of this thread wait so long for their turn, and for any lock."""
    token = _of_block.set(seconds)
    try:
        with limited(seconds):
            yield
    finally:
        _of_block.reset(token)


def current_lock_timeout() -> float:
    """Seconds that a write of this thread waits now."""
    seconds = _of_block.get()
    return _process.seconds if seconds is None else seconds


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Inside, this thread's connection waits no longer than that for a lock."""
    connection.ensure_connection()
    before = dialect().lock_timeout()
    dialect().set_lock_timeout(_milliseconds(seconds))
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            dialect().set_lock_timeout(before)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # to PostgreSQL, 0 is no limit


def _limit(its: Dialect) -> None:
    its.set_lock_timeout(_milliseconds(_process.seconds))
    its.limit_idle_transactions(IDLE_SECONDS)
    its.plan_by_index()


def _set_up(connection: Any, **kwargs: Any) -> None:
    """A connection was made."""
    if connection.alias != alias():
        return
    dialect_of(connection).connected()
    if _process.limits_connections:
        _limit(dialect(connection))


connection_created.connect(_set_up, dispatch_uid="truestep.database")
