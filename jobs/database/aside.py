"""A connection beside the process's own, for statements that must not wait."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.constants import ROW_COUNT

from .file import follow_file, require_file
from .routing import connection_aside

LOCK_MILLISECONDS = 100  # what a statement waits for a lock
STATEMENT_MILLISECONDS = 2000


class Aside:
    """Makes its connection when it is needed, and again after an error."""

    def __init__(self) -> None:
        self._its: Any = None

    def update(self, rows: QuerySet[Any], **values: Any) -> int:
        """``rows.update(**values)``, in a transaction of its own; how many rows it found."""
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(values)
        try:
            its = self._connection()
            found: int = query.get_compiler(connection=its).execute_sql(ROW_COUNT)
        except (DatabaseError, InterfaceError):
            if self._its is None or self._its.vendor == "sqlite" or not self._its.is_usable():
                self.close()
            raise
        return found

    def close(self) -> None:
        """Harmless to repeat."""
        if self._its is not None:
            self._its.close()
            self._its = None

    def _connection(self) -> Any:
        if self._its is not None and follow_file(self._its):
            self.close()
        if self._its is None:
            require_file(its := connection_aside())
            self._its = its
            with self._its.cursor() as cursor:
                if self._its.vendor == "sqlite":
                    cursor.execute(f"PRAGMA busy_timeout = {LOCK_MILLISECONDS}")
                else:
                    cursor.execute(
                        f"SET lock_timeout = {LOCK_MILLISECONDS}; "
                        f"SET statement_timeout = {STATEMENT_MILLISECONDS}"
                    )
        return self._its
