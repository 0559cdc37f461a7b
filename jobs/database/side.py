"""A second connection of this process, for statements that must not wait."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.constants import ROW_COUNT

from .dialects import dialect
from .routing import separate_connection

LOCK_MILLISECONDS = 100  # that a statement waits for a lock
STATEMENT_MILLISECONDS = 2000


class SideConnection:
    """Connects at the first statement, and again after an error."""

    def __init__(self) -> None:
        self._its: BaseDatabaseWrapper | None = None

    def update(self, rows: QuerySet[Any], **values: object) -> int:
        """``rows.update(**values)`` in its own transaction; the number of rows found."""
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(values)
        try:
            its = self._connection()
            compiler = query.get_compiler(connection=its)
            with dialect(its).limited(LOCK_MILLISECONDS, STATEMENT_MILLISECONDS):
                found: int = compiler.execute_sql(ROW_COUNT)
        except (DatabaseError, InterfaceError):
            if self._its is not None and not dialect(self._its).is_usable():
                self.close()
            raise
        return found

    def close(self) -> None:
        """Harmless to repeat."""
        if self._its is not None:
            self._its.close()
            self._its = None

    def _connection(self) -> BaseDatabaseWrapper:
        if self._its is not None and dialect(self._its).follow():
            self.close()
        if self._its is None:
            self._its = self._connect()
        return self._its

    def _connect(self) -> BaseDatabaseWrapper:
        made = separate_connection()
        its = dialect(made)
        its.require_there()
        its.set_lock_timeout(LOCK_MILLISECONDS)
        its.limit_statements(STATEMENT_MILLISECONDS)
        return made
