"""The SQLite library that the backend uses: ``library``, a DB-API module.

SQLite before 3.51.3 has the WAL-reset bug: rarely, two processes that write at the same moment
corrupt the database. Distributions ship older ones; the package pysqlite3 brings its own.
"""

from __future__ import annotations

import sqlite3.dbapi2
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

# (branch of SQLite, its first release without the bug); after the last one all are sound.
_FIXES = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
_FIXED = (3, 51, 3)


def is_sound(version: tuple[int, int, int]) -> bool:
    """Whether that release of SQLite is free of the WAL-reset bug."""
    return version >= _FIXES.get(version[:2], _FIXED)


def _choose() -> Any:
    if is_sound(sqlite3.sqlite_version_info) or not find_spec("pysqlite3"):
        return sqlite3.dbapi2
    return import_module("pysqlite3.dbapi2")


library = _choose()
Connection = library.Connection
_LIMITS = {  # Python's number of a limit, and the option of the library that sets it
    sqlite3.SQLITE_LIMIT_COLUMN: "MAX_COLUMN",
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: "MAX_VARIABLE_NUMBER",
}

if not hasattr(Connection, "getlimit"):

    class Connection(library.Connection):  # type: ignore[name-defined,misc,no-redef]
        """A connection that knows its limits. Django 6 asks for them; pysqlite3 cannot tell."""

        def getlimit(self, category: int) -> int:
            return _limits()[_LIMITS[category]]


@lru_cache(maxsize=1)
def _limits() -> dict[str, int]:
    connection = library.connect(":memory:")
    options = [option for (option,) in connection.execute("PRAGMA compile_options")]
    connection.close()
    named = (option.split("=") for option in options if "=" in option)
    return {name: int(value, 0) for name, value in named if name in _LIMITS.values()}
