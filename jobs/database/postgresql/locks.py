"""Which session has been writing to Truestep's tables for longer than Truestep itself does."""

from __future__ import annotations

import os
import re
import socket
from typing import Any

from django.db import DatabaseError, InterfaceError

MOST_CHARACTERS = 63  # PostgreSQL cuts longer names of applications
_APPLICATION = re.compile(r"truestep step (\d+)@(.+)")
# Truestep's own transactions are over sooner than this.
_OLDEST_WRITER = """
    SELECT a.pid, a.application_name
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a USING (pid) JOIN pg_class AS c ON c.oid = l.relation
    WHERE l.granted AND l.mode <> 'AccessShareLock' AND c.relname LIKE 'truestep\\_%%'
    AND a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND a.xact_start < clock_timestamp() - interval '1 second'
    ORDER BY a.xact_start LIMIT 1
"""


def application_name() -> str:
    """What a step's connections to PostgreSQL are called there, unless the project says more."""
    return f"truestep step {os.getpid()}@{socket.gethostname()}"[:MOST_CHARACTERS]


def writer(connection: Any) -> int | str | None:
    """A step of this host by its process; any other session in words."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_OLDEST_WRITER)
            found = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return None
    if found is None:
        return None
    session, application = found
    if step := _APPLICATION.match(application):
        pid, host = step.groups()
        is_here = socket.gethostname().startswith(host)
        return int(pid) if is_here else f"a step in process {pid} on host {host}"
    return f"session {session} of the database server ({application or 'it has no name'})"
