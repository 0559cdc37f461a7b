"""Statements that are prepared on the server.

They are sent one at a time: in a pipeline of the driver an error would come later than the
statement that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction

from ..dialect import Send, Sent

PREPARED_FROM = 2  # the second use of a statement prepares it


@contextmanager
def pipeline(connection: BaseDatabaseWrapper) -> Iterator[Send]:
    """Django's own cursors put the parameters into the text, which no server can prepare."""
    from psycopg import Cursor

    driver: Any = connection.connection

    def send(sql: str, params: Sequence[Any]) -> Sent:
        cursor: Any = Cursor(driver)
        with debug_transaction(connection, sql):  # its text with parameters is not known yet
            connection.make_cursor(cursor).execute(sql, params)
        return cast(Sent, cursor)

    with connection.wrap_database_errors, _prepared(connection):
        yield send


@contextmanager
def _prepared(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Django's connections prepare nothing, since with a pooler each transaction may have another
    session. The settings name such a pooler by DISABLE_SERVER_SIDE_CURSORS.
    """
    driver: Any = connection.connection
    before = driver.prepare_threshold
    if not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        driver.prepare_threshold = PREPARED_FROM
    try:
        yield
    finally:
        driver.prepare_threshold = before
