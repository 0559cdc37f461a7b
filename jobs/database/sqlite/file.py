"""Which file a connection to SQLite has open, and which one is at its path now."""

from __future__ import annotations

import os
from typing import Any

from django.db import OperationalError


def is_shared(connection: Any) -> bool:
    """Whether the database is a file, which several processes open."""
    return not connection.is_in_memory_db()


def identity(connection: Any) -> tuple[int, int] | None:
    """The device and number of the file at the path now; None where there is none."""
    if not is_shared(connection):
        return None
    try:
        found = os.stat(connection.settings_dict["NAME"])
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def remember(connection: Any) -> None:
    """The connection has just opened the file that is at the path now."""
    connection.truestep_file = identity(connection)


def follow(connection: Any) -> bool:
    """Close the connection when another file is at the path, as after a restore; True when it is.

    Raises OperationalError while there is none.
    """
    known = getattr(connection, "truestep_file", None)
    if known is None or connection.in_atomic_block or (now := identity(connection)) == known:
        return False
    connection.close()
    require_there(connection)
    connection.truestep_file = now
    return True


def require_there(connection: Any) -> None:
    """Raises OperationalError while the file is gone: opening it would make an empty one."""
    if is_shared(connection) and identity(connection) is None:
        path = connection.settings_dict["NAME"]
        raise OperationalError(f"unable to open database file: {path} is gone")
