"""How Truestep reads and writes: short transactions, whole snapshots, a fair turn for all.

What SQLite and PostgreSQL do differently is in this package and in ``triggers``, and nowhere else.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.backends.signals import connection_created
from django.db.models import QuerySet

from ..exceptions import (
    DatabaseBusy,
    DatabaseUnusable,
    InsideTransaction,
    TruestepError,
)
from .aside import Aside as Aside
from .file import file_of as file_of
from .file import follow_file as follow_file
from .file import is_shared_file as is_shared_file
from .file import require_sound as require_sound
from .holder import Words as Words
from .holder import application_name as application_name
from .holder import holder as holder
from .holder import words as words
from .routing import LABEL as LABEL
from .routing import Router as Router
from .routing import alias as alias
from .routing import atomic as atomic
from .routing import connection as connection
from .routing import migrate_command as migrate_command
from .routing import non_atomic as non_atomic
from .routing import on_commit as on_commit

PATIENCE_SECONDS = 20.0  # how long a writer waits for its turn, unless it says otherwise
ASK_SECONDS = 0.0005  # on average, between two looks whether it is a writer's turn
ASK_PATIENCE_SECONDS = 0.5  # of who only wants to know whether it can write
IDLE_SECONDS = 10.0  # a frozen worker holds the locks of a transaction no longer
NEWS = "truestep"  # the PostgreSQL channel on which a trigger tells of commits
_SQLSTATES_WORTH_A_RETRY = {"40001", "40P01"}  # serialization failure, deadlock


_patience = PATIENCE_SECONDS
_limits_waiting = False  # else the settings say how long a connection waits
_own_patience: ContextVar[float | None] = ContextVar("truestep_patience", default=None)


def be_patient(seconds: float) -> None:
    """How long this process waits for its turn to write, and for any lock, from now on."""
    global _patience, _limits_waiting
    _patience, _limits_waiting = seconds, True
    if connection.connection is not None:
        _be_patient_on(connection)


def _be_patient_on(its: Any) -> None:
    _limit_waiting(its, _patience)
    if its.vendor != "sqlite":
        with its.cursor() as cursor:
            idle = round(IDLE_SECONDS * 1000)
            cursor.execute(f"SET idle_in_transaction_session_timeout = {idle}")


@contextmanager
def usual_patience_afterwards() -> Iterator[None]:
    """What ``be_patient`` changes inside ends with the block: the process may live on."""
    global _patience, _limits_waiting
    before = _patience, _limits_waiting
    try:
        yield
    finally:
        _patience, _limits_waiting = before
        if not connection.in_atomic_block:
            connection.close()  # with its limits


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Inside, this thread waits no longer than that for its turn to write, and for any lock."""
    token = _own_patience.set(seconds)
    try:
        with _limited(seconds):
            yield
    finally:
        _own_patience.reset(token)


def _waits() -> float:
    """How long a writer of this thread waits now."""
    own = _own_patience.get()
    return _patience if own is None else own


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Inside, this thread's connection waits no longer than that for a lock."""
    connection.ensure_connection()
    before = _limit_of(connection)
    _limit_waiting(connection, seconds)
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            _set_limit(connection, before)


def _limit_waiting(its: Any, seconds: float) -> None:
    _set_limit(its, max(1, round(seconds * 1000)))  # to PostgreSQL, 0 is no limit


def _limit_of(its: Any) -> int:
    """Milliseconds that a connection waits for a lock."""
    of_postgres = "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
    with its.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" if its.vendor == "sqlite" else of_postgres)
        return int(cursor.fetchone()[0])


def _set_limit(its: Any, milliseconds: int) -> None:
    limit = "PRAGMA busy_timeout" if its.vendor == "sqlite" else "SET lock_timeout"
    with its.cursor() as cursor:
        cursor.execute(f"{limit} = {milliseconds}")


def _set_up(connection: Any, **kwargs: Any) -> None:
    """A connection was made."""
    if connection.alias != alias():
        return
    connection.truestep_file = file_of(connection)
    if _limits_waiting:
        _be_patient_on(connection)


connection_created.connect(_set_up, dispatch_uid="truestep.database")


@contextmanager
def write() -> Iterator[None]:
    """One short, durable write transaction.

    SQLite's busy handler is unfair: of several busy writers most starve. A file lock beside the
    database gives each writer its turn. Raises DatabaseBusy when there is none within the patience,
    or when somebody holds a row that it needs for as long, and InsideTransaction.
    """
    began = time.monotonic()
    patience = _waits()
    with _ticket(patience):
        follow_file()
        left = patience - (time.monotonic() - began)
        try:
            limit = _limited(left) if left < patience * 0.9 else nullcontext()
            with limit, _durable():
                yield
        except OperationalError as error:
            waited = time.monotonic() - began
            has_waited = waited > patience * 0.9 and not _is_broken_off(error)
            if kind_of(error) is Trouble.BUSY and has_waited:
                raise DatabaseBusy(name(), holder()) from error
            raise


def is_locked(rows: QuerySet[Any]) -> bool:
    """Whether somebody holds a lock now that an update of these rows would wait for."""
    try:
        with patience(0), write():
            list(rows.select_for_update(nowait=connection.vendor != "sqlite"))
    except TROUBLE as error:
        if kind_of(error) is not Trouble.BUSY:
            raise
        return True
    return False


@contextmanager
def _durable() -> Iterator[None]:
    """A transaction that is committed at its end, whatever the caller does afterwards."""
    with ExitStack() as stack:
        try:
            stack.enter_context(atomic(durable=True))
        except RuntimeError as error:  # inside transaction.atomic()
            raise InsideTransaction(alias()) from error
        if not connection.commit_on_exit:  # after set_autocommit(False)
            raise InsideTransaction(alias())
        yield


@contextmanager
def snapshot(using: str | None = None) -> Iterator[None]:
    """Every read inside sees one state of Truestep's database, or of another one.

    On SQLite this begins DEFERRED although writes begin IMMEDIATE: a reader must never wait for a
    writer.
    """
    connection = connections[using or alias()]
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        if connection.alias == alias():
            follow_file()
        connection.ensure_connection()
        if connection.connection.in_transaction:  # inside another snapshot
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """What a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def placeholders(values: Collection[Any]) -> str:
    """For a statement with as many values as these."""
    return ", ".join(["%s"] * len(values))


# What the database may raise when it is busy, away, full or broken.
TROUBLE = (DatabaseError, InterfaceError, DatabaseBusy)


class Trouble(Enum):
    """Why a database cannot be used: what is wrong with it, and what to do."""

    BUSY = "is busy", "Try again; if it goes on, look for a process that holds it open."
    FULL = "is full", "Make room where it is kept; what runs goes on by itself then."
    READ_ONLY = (
        "is read-only",
        "Let this user write to the file and its directory, or use the server that takes writes; "
        "what runs goes on by itself then.",
    )
    AWAY = "cannot be reached", "Start it, or set DATABASE_URL; what runs goes on by itself then."
    EMPTY = "lacks its tables", "Is it new? Run: {migrate}"
    OTHER = "refused this", "Nothing was written; its own log may say more."

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy


_BY_WORDS = {  # of SQLite
    "locked": Trouble.BUSY,
    "is full": Trouble.FULL,
    "readonly": Trouble.READ_ONLY,
    "unable to open": Trouble.AWAY,
    "disk I/O error": Trouble.AWAY,
    "no such table": Trouble.EMPTY,
}
_BY_SQLSTATE = {  # the code, or the class of codes
    "40": Trouble.BUSY,
    "55P03": Trouble.BUSY,  # lock_timeout
    "53300": Trouble.BUSY,  # too many connections
    "53": Trouble.FULL,
    "25006": Trouble.READ_ONLY,
    "42P01": Trouble.EMPTY,
    "08": Trouble.AWAY,
    "57P": Trouble.AWAY,
    "25P03": Trouble.AWAY,  # idle_in_transaction_session_timeout
}


def kind_of(error: BaseException) -> Trouble:
    """What one of TROUBLE means."""
    if isinstance(error, DatabaseBusy):
        return Trouble.BUSY
    if not _is_of_server(error):
        found = (kind for words, kind in _BY_WORDS.items() if words in str(error))
        return next(found, Trouble.OTHER)
    if state := getattr(error.__cause__, "sqlstate", None):
        found = (kind for code, kind in _BY_SQLSTATE.items() if state.startswith(code))
        return next(found, Trouble.OTHER)
    away = isinstance(error, OperationalError | InterfaceError)
    return Trouble.AWAY if away else Trouble.OTHER


def _is_of_server(error: BaseException) -> bool:
    """Whether PostgreSQL or its driver raised it: a view also reads users, who may be elsewhere."""
    if error.__cause__ is None:
        return connection.vendor != "sqlite"
    return hasattr(error.__cause__, "sqlstate")


def explain(error: BaseException) -> str:
    """What happened, to which database, and what to do."""
    if isinstance(error, TruestepError):
        return str(error)
    kind = kind_of(error)
    remedy = kind.remedy.format(migrate=migrate_command())
    told = " ".join(str(error).split())[:300].rstrip(".")
    return f"The database {name()} {kind.what}: {told}. {remedy}"


def name() -> str:
    """The database in words: the file, or the server and what it is called there."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(settings["NAME"])
    server = ":".join(filter(None, (settings["HOST"] or "localhost", str(settings["PORT"]))))
    return f"{settings['NAME']} at {server}"


def is_waited_for(error: BaseException) -> bool:
    """True for an error that other statements would meet now, too, each after as long a wait."""
    return kind_of(error) in (Trouble.BUSY, Trouble.AWAY)


def is_passing(error: BaseException) -> bool:
    """True for an error that the same transaction may not meet again: busy, deadlock."""
    if not isinstance(error, OperationalError):
        return False
    return _is_broken_off(error) or "locked" in str(error)


def _is_broken_off(error: BaseException) -> bool:
    """Whether PostgreSQL ended the transaction in favour of another one, as in a deadlock."""
    return getattr(error.__cause__, "sqlstate", None) in _SQLSTATES_WORTH_A_RETRY


def is_severed(error: BaseException) -> bool:
    """True for an error after which nobody knows whether a COMMIT that was sent has happened."""
    return isinstance(error, OperationalError | InterfaceError) and connection.vendor != "sqlite"


def reconnect() -> None:
    """Give up the connection and make a new one now. Raises what the database raises."""
    connection.close()
    connection.ensure_connection()


def require_writable() -> None:
    """Raises DatabaseUnusable, saying why and what to do, unless this process can write to it.

    One that somebody else is writing to can be written to.
    """
    try:
        with patience(ASK_PATIENCE_SECONDS), write(), connection.cursor() as cursor:
            cursor.execute("UPDATE truestep_worker SET beats = beats WHERE 1 = 0")
    except TROUBLE as error:
        if connection.connection is None or kind_of(error) is not Trouble.BUSY:
            raise DatabaseUnusable(explain(error)) from error


def mend() -> None:
    """Give up a connection that an error has left unusable; the next query makes a new one.

    Of a connection to SQLite nobody can tell (Django says that each is usable), so it is given up
    after any error: the file may have been away, and a new connection costs next to nothing.
    """
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.errors_occurred = False
        if connection.vendor == "sqlite" or not connection.is_usable():
            connection.close()


@contextmanager
def _ticket(patience: float) -> Iterator[None]:
    path = _ticket_path()
    if path is None or connection.in_atomic_block:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_turn(handle, patience)
        yield
    finally:
        os.close(handle)


def _ticket_path() -> str | None:
    if not is_shared_file():
        return None
    return f"{connection.settings_dict['NAME']}-ticket"


def _wait_for_turn(handle: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseBusy(name(), holder()) from None
        # However long it has waited: who asks less and less often is overtaken by all who come.
        time.sleep(random.uniform(0.5, 1.5) * ASK_SECONDS)
