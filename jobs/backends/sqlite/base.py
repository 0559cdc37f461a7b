"""The backend: Django's own, on ``library``, with IMMEDIATE, WAL and FULL unless OPTIONS differ."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import tee
from typing import Any

from django.db.backends.sqlite3 import base
from django.utils.dateparse import parse_date, parse_datetime, parse_time

from .library import Connection
from .library import library as Database  # noqa: N812  (Django's name for the module)

TRANSACTION_MODE = "IMMEDIATE"  # a writer waits for its turn at BEGIN, not in the middle
TIMEOUT_SECONDS = 20
# Prepared statements that a connection keeps. pysqlite3 keeps the first ones for ever once it has
# so many, and prepares every further one each time.
CACHED_STATEMENTS = 400
# Readers do not wait for writers, and a commit survives a power cut.
INIT_COMMANDS = ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"]

# As django.db.backends.sqlite3.base registers them with Python's own library.
for _type, _parse in (
    ("date", parse_date),
    ("time", parse_time),
    ("datetime", parse_datetime),
    ("timestamp", parse_datetime),
):
    Database.register_converter(_type, base.decoder(_parse))
Database.register_converter("bool", b"1".__eq__)
Database.register_adapter(decimal.Decimal, str)
Database.register_adapter(datetime.date, base.adapt_date)
Database.register_adapter(datetime.datetime, base.adapt_datetime)


class DatabaseWrapper(base.DatabaseWrapper):
    Database = Database
    init_commands: list[str]

    def get_connection_params(self) -> dict[str, Any]:
        """What the connection is made with: OPTIONS of the settings, and this backend's own."""
        parameters: dict[str, Any] = super().get_connection_params()
        if "transaction_mode" not in self.settings_dict["OPTIONS"]:
            self.transaction_mode = TRANSACTION_MODE
        self.init_commands = [*INIT_COMMANDS, *self.init_commands]
        defaults = {
            "timeout": TIMEOUT_SECONDS,
            "factory": Connection,
            "cached_statements": CACHED_STATEMENTS,
        }
        return defaults | parameters

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        return cursor


class Cursor(Database.Cursor):  # type: ignore[misc]
    """Django's SQLiteCursorWrapper, which can only extend the cursor of Python's own library."""

    convert_query = base.SQLiteCursorWrapper.convert_query

    def execute(self, query: str, params: Any = None) -> Any:
        if params is None:
            return super().execute(query)
        if isinstance(params, Mapping):
            return super().execute(self.convert_query(query, param_names=list(params)), params)
        return super().execute(_with_question_marks(query), params)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        first, param_list = tee(iter(param_list))  # it may be a generator
        params = next(first, None)
        names = list(params) if params and isinstance(params, Mapping) else None
        return super().executemany(self.convert_query(query, param_names=names), param_list)


@lru_cache(maxsize=500)
def _with_question_marks(query: str) -> str:
    """A query with the placeholders of the library. Most queries come again, and often."""
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
