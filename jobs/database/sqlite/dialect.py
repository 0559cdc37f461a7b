"""SQLite: a file that the processes of one host share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from ..commits import CommitWatch
from ..dialect import Dialect, Problem, TransactionState
from ..outages import Outage
from ..routing import alias
from ..rules import RULES, Rule
from . import file, locks, safety, triggers, turns
from .watch import FileWatch

_OUTAGES = {  # by the words of SQLite's messages
    "locked": Outage.BUSY,
    "is full": Outage.FULL,
    "readonly": Outage.READ_ONLY,
    "unable to open": Outage.AWAY,
    "disk I/O error": Outage.AWAY,
    "no such table": Outage.EMPTY,
}


class SQLite(Dialect):
    is_server = False
    writer_looks = 6  # a worker that writes often is not found at each of them
    rules = RULES + triggers.CREATED_ONCE
    rebuilds_tables = True

    def problems(self) -> Iterator[Problem]:
        return safety.problems(self.connection)

    def require_safe(self) -> None:
        safety.require_safe(self.connection)

    # --- the connection

    def name(self) -> str:
        return str(self.connection.settings_dict["NAME"])

    def connected(self) -> None:
        file.remember(self.connection)

    def is_usable(self) -> bool:
        """No: Django says that each is usable, although its file may have been away, and a new
        connection costs next to nothing.
        """
        return False

    def require_there(self) -> None:
        file.require_there(self.connection)

    def follow(self) -> bool:
        return file.follow(self.connection)

    def lock_timeout(self) -> int:
        with self.connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])

    def set_lock_timeout(self, milliseconds: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")

    # --- transactions

    def turn(self, seconds: float) -> AbstractContextManager[None]:
        is_shared = file.is_shared(self.connection)
        return turns.turn(self.name(), seconds) if is_shared else nullcontext()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """It begins DEFERRED, unlike writes: a reader never waits for a writer."""
        if self.connection.alias == alias():
            self.follow()
        self.connection.ensure_connection()
        if self.connection.connection.in_transaction:  # inside another snapshot
            yield
            return
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")

    def join_selected(self, table: str, name: str, condition: str) -> str:
        selected = f"SELECT {name}.id FROM {table} AS {name} {condition}"
        return f"JOIN {table} AS {name} ON {name}.id IN ({selected})"

    def transaction_state(self) -> TransactionState:
        raw = self.connection.connection
        try:
            is_open = self.connection.in_atomic_block or raw.in_transaction
        except raw.ProgrammingError:
            return TransactionState.LOST
        return TransactionState.OPEN if is_open else TransactionState.NONE

    def blocks_writers(self) -> bool:
        return locks.is_held_here(self.name())

    def seconds_between(self, earlier: str, later: str) -> str:
        return f"(julianday({later}) - julianday({earlier})) * 86400.0"

    # --- errors

    @classmethod
    def raised(cls, cause: BaseException) -> bool:
        return not hasattr(cause, "sqlstate")

    @classmethod
    def outage(cls, error: BaseException) -> Outage:
        found = (outage for words, outage in _OUTAGES.items() if words in str(error))
        return next(found, Outage.OTHER)

    @classmethod
    def is_transient(cls, error: BaseException) -> bool:
        return "locked" in str(error)

    # --- locks and commits

    def writer(self) -> int | None:
        return locks.writer(self.name())

    def watch_commits(self, wake_ups: int, *, of_work: bool) -> CommitWatch:
        return FileWatch(wake_ups)

    # --- triggers

    def drop_trigger(self, rule: Rule) -> str:
        return triggers.drop(rule)

    def create_trigger(self, rule: Rule) -> list[str]:
        return [triggers.create(rule)]

    def installed_triggers(self) -> str:
        return triggers.INSTALLED
