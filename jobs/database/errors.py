"""What an error of the database means, in words for the people who have to act."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError

from ..exceptions import DatabaseBusy, TruestepError
from .dialects import DIALECTS, dialect, raised_by
from .outages import Outage
from .routing import migrate_command

# What is raised when the database is busy, away, full or broken.
DATABASE_ERRORS = (DatabaseError, InterfaceError, DatabaseBusy)
SHOWN_CHARACTERS = 300  # of the database's own message


def outage_of(error: BaseException) -> Outage:
    """What one of DATABASE_ERRORS means."""
    if isinstance(error, DatabaseBusy):
        return Outage.BUSY
    return raised_by(error).outage(error)


def explain(error: BaseException) -> str:
    """What happened, to which database, and what to do."""
    if isinstance(error, TruestepError):
        return str(error)
    outage = outage_of(error)
    remedy = outage.remedy.format(migrate=migrate_command())
    message = " ".join(str(error).split())[:SHOWN_CHARACTERS].rstrip(".")
    return f"The database {name()} {outage.what}: {message}. {remedy}"


def name() -> str:
    """Truestep's database in words: its file, or the server and its name there."""
    return dialect().name()


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is tried again: busy, deadlock."""
    return isinstance(error, OperationalError) and any(
        each.is_transient(error) for each in DIALECTS.values()
    )


def is_commit_uncertain(error: BaseException) -> bool:
    """Whether what was sent before this error may have been committed, without an answer."""
    is_of_server = isinstance(error, OperationalError | InterfaceError) and dialect().is_server
    return is_of_server and outage_of(error) is Outage.AWAY
