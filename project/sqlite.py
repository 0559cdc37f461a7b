"""Puts the SQLite of the package pysqlite3 in the place of Python's own.

Distributions ship libraries that can corrupt a database which two processes write at the same
moment (docs/decisions/0005-sqlite.md). Imported before Django loads its backend.
"""

from __future__ import annotations

import sys
from functools import lru_cache

import pysqlite3

sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

# Django 6 asks a connection for its limits. pysqlite3 has no such call; the library was built with
# the limits that it names itself.
pysqlite3.SQLITE_LIMIT_COLUMN, pysqlite3.SQLITE_LIMIT_VARIABLE_NUMBER = 2, 9
_OPTIONS = {2: "MAX_COLUMN", 9: "MAX_VARIABLE_NUMBER"}


class Connection(pysqlite3.Connection):  # type: ignore[misc]  # it has no type hints
    """A connection that knows its limits, as Python's own does."""

    def getlimit(self, category: int) -> int:
        return _limits()[_OPTIONS[category]]


@lru_cache(maxsize=1)
def _limits() -> dict[str, int]:
    with pysqlite3.connect(":memory:") as connection:
        options = [option for (option,) in connection.execute("PRAGMA compile_options")]
    return {
        name: int(value, 0)
        for name, value in (option.split("=") for option in options if "=" in option)
        if name in _OPTIONS.values()
    }
