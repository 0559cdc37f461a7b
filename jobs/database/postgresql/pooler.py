"""A pooler in transaction mode: each transaction may have another session of the server.

Settings name it by DISABLE_SERVER_SIDE_CURSORS, as Django asks for. Then nothing is prepared, no
parameter is set for a session, and nothing is listened to: all of it would be another client's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any


def shares_sessions(connection: Any) -> bool:
    """Whether the settings of the connection name such a pooler."""
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))


def is_between(connection: Any) -> bool:
    """Whether any pooler is there: it does not know the process of the server's session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    return bool(pid != connection.connection.info.backend_pid)


@contextmanager
def transaction(connection: Any, parameters: Mapping[str, int]) -> Iterator[None]:
    """One in which these parameters are set, of a connection that Django does not know."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            for parameter, value in parameters.items():
                cursor.execute(f"SET LOCAL {parameter} = {value}")
            yield
        except BaseException:
            with suppress(Exception):  # what is being raised says more
                connection.connection.rollback()
            raise
        cursor.execute("COMMIT")
