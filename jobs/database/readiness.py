"""Whether jobs can be written to the database, asked before a process starts to work."""

from __future__ import annotations

from ..exceptions import DatabaseUnusable
from . import schema, triggers
from .dialects import dialect_of
from .errors import DATABASE_ERRORS, explain, outage_of
from .outages import Outage
from .routing import connection
from .timeouts import lock_timeout
from .transactions import write

WRITE_SECONDS = 0.5  # that the trial write waits for a lock


def require_ready() -> None:
    """Raises NotReady, saying why and what to do, unless jobs can be written to the database."""
    require_safe()
    try:
        triggers.require()
    except DATABASE_ERRORS as error:
        raise DatabaseUnusable(explain(error)) from error
    require_writable()


def require_current() -> None:
    """Raises NotReady unless the database answers and has this release's migrations and triggers.

    It only reads: it can be asked every second.
    """
    require_safe()
    try:
        schema.require()
        triggers.require()
    except DATABASE_ERRORS as error:
        raise DatabaseUnusable(explain(error)) from error


def require_safe() -> None:
    """Raises DatabaseUnsafe when several processes cannot share the database."""
    dialect_of(connection).require_safe()


def require_writable() -> None:
    """Raises DatabaseUnusable, saying why and what to do, unless this process can write to it.

    A database to which another process is writing counts as writable.
    """
    try:
        with lock_timeout(WRITE_SECONDS), write(), connection.cursor() as cursor:
            cursor.execute("UPDATE truestep_worker SET beats = beats WHERE 1 = 0")
    except DATABASE_ERRORS as error:
        if connection.connection is None or outage_of(error) is not Outage.BUSY:
            raise DatabaseUnusable(explain(error)) from error
