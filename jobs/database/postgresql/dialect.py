"""PostgreSQL: a server that several hosts use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from ..commits import CommitWatch
from ..dialect import HIGHEST_ID, Dialect, Newest, Problem, TransactionState
from ..outages import Outage
from ..rules import Rule
from . import locks, pooler, prepared, triggers
from .watch import Listener

_OUTAGES = {  # by SQLSTATE, or by the beginning of several
    "40": Outage.BUSY,
    "55P03": Outage.BUSY,  # lock_timeout
    "53300": Outage.BUSY,  # too many connections
    "53": Outage.FULL,
    "25006": Outage.READ_ONLY,
    "42P01": Outage.EMPTY,  # no such table
    "42883": Outage.EMPTY,  # no such function
    "08": Outage.AWAY,
    "57P": Outage.AWAY,
    "25P03": Outage.AWAY,  # idle_in_transaction_session_timeout
}
_CONFLICTS = {"40001", "40P01"}  # serialization failure, deadlock
# As libpq numbers the states of a transaction, which psycopg2 does, too.
_IDLE, _UNKNOWN = 0, 4


class PostgreSQL(Dialect):
    is_server = True
    has_functions = True

    def problems(self) -> Iterator[Problem]:
        return iter(())

    # --- the connection

    def name(self) -> str:
        settings = self.connection.settings_dict
        server = ":".join(filter(None, (settings["HOST"] or "localhost", str(settings["PORT"]))))
        return f"{settings['NAME']} at {server}"

    def lock_timeout(self) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
            return int(cursor.fetchone()[0])

    def set_lock_timeout(self, milliseconds: int) -> None:
        self._set("lock_timeout", milliseconds)

    def limit_idle_transactions(self, seconds: float) -> None:
        self._set("idle_in_transaction_session_timeout", round(seconds * 1000))

    def plan_by_index(self) -> None:
        """A plan is kept, and a table that was tiny when it was made may be a long queue now.

        A bitmap of an index also reads each entry that is dead since the last vacuum. To compile a
        plan takes longer than to run it. A pooler's sessions keep no plan.
        """
        if not pooler.shares_sessions(self.connection):
            for parameter in ("enable_seqscan", "enable_bitmapscan", "jit"):
                self._set(parameter, "off")

    def limit_statements(self, milliseconds: int) -> None:
        self._set("statement_timeout", milliseconds)

    def limited(self, lock: int, statement: int) -> AbstractContextManager[None]:
        if not pooler.shares_sessions(self.connection):
            return nullcontext()
        limits = {"lock_timeout": lock, "statement_timeout": statement}
        return pooler.transaction(self.connection, limits)

    def _set(self, parameter: str, value: int | str) -> None:
        """Behind a pooler for the transaction in progress, and else as the role has it."""
        is_shared = pooler.shares_sessions(self.connection)
        if not is_shared or self.connection.in_atomic_block:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET {'LOCAL ' if is_shared else ''}{parameter} = {value}")

    def has_unnamed_pooler(self) -> bool:
        return not pooler.shares_sessions(self.connection) and pooler.is_between(self.connection)

    # --- transactions

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        connection = self.connection
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def transaction_state(self) -> TransactionState:
        if self.connection.in_atomic_block:
            return TransactionState.OPEN
        state = int(self.connection.connection.info.transaction_status)
        named = {_IDLE: TransactionState.NONE, _UNKNOWN: TransactionState.LOST}
        return named.get(state, TransactionState.OPEN)

    def execute(self, sql: str, params: Sequence[Any]) -> int:
        if self._prepares:
            return int(prepared.execute(self.connection, sql, params).rowcount)
        return super().execute(sql, params)

    def select(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        if self._prepares:
            return list(prepared.execute(self.connection, sql, params).fetchall())
        return super().select(sql, params)

    @property
    def _prepares(self) -> bool:
        """Whether the driver can prepare statements; psycopg2 cannot."""
        self.connection.ensure_connection()
        return hasattr(self.connection.connection, "prepare_threshold")

    def join_selected(self, table: str, name: str, condition: str) -> str:
        selected = f"SELECT {name}.* FROM {table} AS {name} {condition}"
        return f"JOIN LATERAL ({selected}) AS {name} ON TRUE"

    def newest(self, columns: Mapping[str, Any], before: int = HIGHEST_ID) -> Newest:
        """Of one column as a range of one value, by which the rows are ordered, too.

        An order by a column that is equal in all rows is left out by the planner. It might then
        follow the primary key, through a whole table for rows that are rare or old.
        """
        if len(columns) != 1:
            return super().newest(columns, before)
        [(column, value)] = columns.items()
        condition = f"({column}, id) < (%s, %s) AND {column} >= %s"
        return Newest(condition, [value, before, value], f"{column} DESC, id DESC")

    def seconds_between(self, earlier: str, later: str) -> str:
        return f"extract(epoch FROM {later} - {earlier})"

    # --- errors

    @classmethod
    def raised(cls, cause: BaseException) -> bool:
        return hasattr(cause, "sqlstate")

    @classmethod
    def outage(cls, error: BaseException) -> Outage:
        if state := _sqlstate(error):
            found = (outage for code, outage in _OUTAGES.items() if state.startswith(code))
            return next(found, Outage.OTHER)
        is_away = isinstance(error, OperationalError | InterfaceError)
        return Outage.AWAY if is_away else Outage.OTHER

    @classmethod
    def is_conflict(cls, error: BaseException) -> bool:
        return _sqlstate(error) in _CONFLICTS

    # --- locks and commits

    def writer(self) -> int | str | None:
        return locks.writer(self.connection)

    def watch_commits(self, wake_ups: int, *, of_work: bool) -> CommitWatch:
        may_listen = not pooler.shares_sessions(self.connection)
        return Listener(wake_ups, of_work=of_work, may_listen=may_listen)

    # --- triggers

    def drop_trigger(self, rule: Rule) -> str:
        return triggers.drop(rule)

    def create_trigger(self, rule: Rule) -> list[str]:
        return triggers.create(rule)

    def create_notifications(self) -> list[str]:
        return triggers.create_notifications()

    def check_foreign_keys_at_once(self) -> list[str]:
        return [triggers.CHECK_AT_ONCE]

    def installed_triggers(self) -> str:
        return triggers.INSTALLED


def _sqlstate(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
