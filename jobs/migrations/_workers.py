"""Which workers live: a frozen copy for ``0009_codes_of_old_entries``, which runs without them."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from typing import Any

from django.conf import settings

LOOK_SECONDS = 0.25


def living(connection: Any) -> list[str]:
    """The workers that are alive, as host:pid; it takes up to a lease to find that one is not."""
    rows = _registered(connection)
    here = [row for row in rows if _is_locked(row) is True]
    elsewhere = [row for row in rows if _is_locked(row) is None]
    return [f"{host}:{pid}" for _, host, pid, *_ in here + _with_heartbeat(connection, elsewhere)]


def _registered(connection: Any) -> list[tuple[Any, ...]]:
    if "truestep_worker" not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, host, pid, lock_path, beats FROM truestep_worker WHERE stopped_at IS NULL"
        )
        return list(cursor.fetchall())


def _is_locked(row: tuple[Any, ...]) -> bool | None:
    """Whether the worker holds its lock; None when that cannot be seen from here."""
    _, host, _, lock_path, _ = row
    if host != socket.gethostname():
        return None
    try:
        handle = os.open(lock_path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _with_heartbeat(connection: Any, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Those whose count of heartbeats rises within a lease."""
    counts = {row[0]: row[-1] for row in rows}
    silent = list(rows)
    end = time.monotonic() + getattr(settings, "TRUESTEP", {}).get("lease", 15.0)
    while silent and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        now = {row[0]: row[-1] for row in _registered(connection)}
        silent = [row for row in silent if now.get(row[0]) in (None, counts[row[0]])]
    return [row for row in rows if row not in silent]
