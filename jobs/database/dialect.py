"""What one kind of database does differently from another.

``GenericDialect`` is enough for any database of the project. One that is to hold Truestep's rows
needs a ``Dialect``: a package beside this module, named in ``dialects``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .commits import CommitWatch
from .outages import Outage
from .rules import RULES, Rule


class Problem(NamedTuple):
    """What a system check says about the settings of a database."""

    number: str  # of the check
    what: str  # follows the name of the setting
    remedy: str  # without its full stop


HIGHEST_ID = 2**63 - 1


class Newest(NamedTuple):
    """SQL for the newest rows of which some columns have given values."""

    condition: str
    params: list[Any]
    order: str


class TransactionState(Enum):
    """Whether a connection has a transaction open."""

    NONE = "none"
    OPEN = "open"
    LOST = "lost"  # the connection is closed


class GenericDialect:
    """One connection to any database that a Django project can have."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        # As Any, because each dialect uses what only its own driver has.
        self.connection: Any = connection

    def problems(self) -> Iterator[Problem]:
        """Why Truestep's rows must not be in this database, with its settings."""
        yield Problem(
            "E010",
            f" is {self.connection.display_name}, for which Truestep has no triggers that guard "
            "its rows.",
            "Use PostgreSQL or SQLite",
        )

    def require_safe(self) -> None:
        """Raises DatabaseUnsafe when several processes cannot share this database."""

    def connected(self) -> None:
        """Called once for each new connection."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Every read inside sees one state. No transaction is open when this begins."""
        block: AbstractContextManager[None] = transaction.atomic(using=self.connection.alias)
        return block

    def transaction_state(self) -> TransactionState:
        """Also of a transaction that was begun in SQL, without Django."""
        is_idle = self.connection.autocommit and not self.connection.in_atomic_block
        return TransactionState.NONE if is_idle else TransactionState.OPEN

    def blocks_writers(self) -> bool:
        """Whether this process holds a lock on the database that ends only with the process."""
        return False

    def has_unnamed_pooler(self) -> bool:
        """Whether a pooler is there, and the settings do not say that it shares sessions."""
        return False


class Dialect(GenericDialect, ABC):
    """One connection to a database that can hold Truestep's rows."""

    is_server: ClassVar[bool]  # False: a file, whose COMMIT is never lost on the way
    # How often ``writer`` has to name the same process before that process counts as one that
    # keeps its lock for longer than Truestep itself does.
    writer_looks: ClassVar[int] = 1
    rules: ClassVar[Sequence[Rule]] = RULES
    rebuilds_tables: ClassVar[bool] = False  # migrations do, which triggers would prevent
    has_functions: ClassVar[bool] = False  # in PL/pgSQL, that one statement calls

    # --- the connection

    @abstractmethod
    def name(self) -> str:
        """The database in words: its file, or the server and its name there."""

    def is_usable(self) -> bool:
        """Whether the connection still works after an error."""
        return bool(self.connection.is_usable())

    def require_there(self) -> None:
        """Raises OperationalError when opening the connection would create an empty database."""

    def follow(self) -> bool:
        """Close the connection when its file was replaced by another; True when it was.

        Raises OperationalError while there is none.
        """
        return False

    @abstractmethod
    def lock_timeout(self) -> int:
        """Milliseconds that the connection waits for a lock."""

    @abstractmethod
    def set_lock_timeout(self, milliseconds: int) -> None:
        """Set it for the life of the connection."""

    def limit_idle_transactions(self, seconds: float) -> None:
        """End a transaction whose process does nothing for so long, as a frozen one."""

    def plan_by_index(self) -> None:
        """Have it find rows by their indexes, also where a table is tiny now."""

    def limit_statements(self, milliseconds: int) -> None:
        """End a statement that takes longer."""

    def limited(self, lock: int, statement: int) -> AbstractContextManager[None]:
        """Inside, both limits hold, in milliseconds, also where the connection cannot keep them."""
        return nullcontext()

    # --- transactions

    def turn(self, seconds: float) -> AbstractContextManager[None]:
        """Wait for this writer's turn. Raises TimeoutError after so many seconds."""
        return nullcontext()

    def execute(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement, in a transaction or by itself; the number of rows it changed.

        Prepared where the database can do that, so the text must not depend on values.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)

    def select(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows that one statement selects; prepared as in ``execute``."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    @abstractmethod
    def join_selected(self, table: str, name: str, condition: str) -> str:
        """JOIN the rows of a table, called *name*, that a condition selects for each row before it.

        The condition begins with WHERE, names columns of that row, and may end with a LIMIT.
        """

    def newest(self, columns: Mapping[str, Any], before: int = HIGHEST_ID) -> Newest:
        """The rows with these values and a lower id than *before*, the highest id first.

        An index has to begin with these columns and end with the id. Then no other rows are read,
        however rare or old these are, as long as only their ids are selected.
        """
        conditions = [f"{column} = %s" for column in columns] + ["id < %s"]
        return Newest(" AND ".join(conditions), [*columns.values(), before], "id DESC")

    @abstractmethod
    def seconds_between(self, earlier: str, later: str) -> str:
        """SQL for the seconds from one moment to another, which are columns of moments."""

    # --- errors

    @classmethod
    @abstractmethod
    def raised(cls, cause: BaseException) -> bool:
        """Whether the driver of this database raised the cause of a Django error."""

    @classmethod
    @abstractmethod
    def outage(cls, error: BaseException) -> Outage:
        """What an error of this database means."""

    @classmethod
    def is_conflict(cls, error: BaseException) -> bool:
        """Whether the transaction was ended in favour of another one, as in a deadlock."""
        return False

    @classmethod
    def is_transient(cls, error: BaseException) -> bool:
        """Whether the same transaction may succeed when it is tried again."""
        return cls.is_conflict(error)

    # --- locks and commits

    @abstractmethod
    def writer(self) -> int | str | None:
        """Who keeps others from writing: a process of this host by its id, or another in words.

        None when no one does, or when the system does not say.
        """

    @abstractmethod
    def watch_commits(self, wake_ups: int, *, of_work: bool) -> CommitWatch:
        """As ``dialects.watch_commits``."""

    # --- triggers

    @abstractmethod
    def drop_trigger(self, rule: Rule) -> str:
        """SQL that drops the trigger of a rule, where there is one."""

    @abstractmethod
    def create_trigger(self, rule: Rule) -> list[str]:
        """SQL that creates the trigger of a rule."""

    def create_notifications(self) -> list[str]:
        """SQL that creates what ``watch_commits`` needs."""
        return []

    def check_foreign_keys_at_once(self) -> list[str]:
        """SQL that has them checked with each statement, where that makes batches quicker."""
        return []

    @abstractmethod
    def installed_triggers(self) -> str:
        """SQL that selects the names of all triggers in force."""
