"""Statements that the server prepares.

They are sent one at a time. In the driver's pipeline mode an error would come later than the
statement that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction

from . import pooler

PREPARED_FROM = 2  # the second use of a statement prepares it


def execute(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Any:
    """Run one statement; the cursor, which is the driver's.

    Django's own cursors put the parameters into the text, which no server can prepare.
    """
    from psycopg import Cursor

    cursor: Any = Cursor(connection.connection)
    _use_time_zone(connection, cursor)
    with _prepared(connection), debug_transaction(connection, sql):  # for Django's query log
        connection.make_cursor(cursor).execute(sql, params)
    return cursor


def _use_time_zone(connection: Any, cursor: Any) -> None:
    """That of the settings, as Django's own cursors do: a connection may be older than these."""
    from django.db.backends.postgresql import base

    driver: Any = base
    known = connection.connection.adapters.get_loader(driver.TIMESTAMPTZ_OID, driver.Format.TEXT)
    if known.timezone != connection.timezone:
        driver.register_tzloader(connection.timezone, cursor)


@contextmanager
def _prepared(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Django's connections prepare nothing, since there may be a pooler."""
    driver: Any = connection.connection
    before = driver.prepare_threshold
    if not pooler.shares_sessions(connection):
        driver.prepare_threshold = PREPARED_FROM
    try:
        yield
    finally:
        driver.prepare_threshold = before
