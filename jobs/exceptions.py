"""Errors whose text says what happened, to what, and what to do now."""

from __future__ import annotations

from typing import Any


class TruestepError(Exception):
    """Base of everything that Truestep raises on purpose."""


class UnknownDefinition(TruestepError):
    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        names = ", ".join(known) or "none (no installed app has a jobs.py with a JobDefinition)"
        super().__init__(f"No definition is named {name!r}. Known definitions: {names}.")


class InvalidParams(TruestepError):
    """The parameters do not fit the definition's form; ``errors`` maps each field to messages.

    ``form`` is the form that has read them, if one has.
    """

    def __init__(self, definition: str, errors: dict[str, list[str]], form: Any = None) -> None:
        self.definition = definition
        self.errors = errors
        self.form = form
        told = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items())
        super().__init__(f"{definition} cannot be launched with these parameters. {told}")


class LostParam(TruestepError):
    """What a parameter was at launch cannot be had any more; no further attempt would mend it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"Parameter {field!r}: {reason}. Launch again with another one.")


class MoveRefused(TruestepError):
    """The status table does not allow this move; nothing was written."""

    def __init__(self, what: Any, old: str, new: str) -> None:
        super().__init__(
            f"{what} is {old}; it cannot become {new}. Reload to see its present state."
        )


class Overtaken(TruestepError):
    """Somebody else moved the row first; what was to be written is not wanted any more."""


class UnknownStep(TruestepError):
    def __init__(self, job: Any, name: str) -> None:
        super().__init__(f"{job} has no step named {name!r}; its page lists those it has.")


class DeclaredDead(TruestepError):
    """This worker was silent for too long, or the database is an older copy: its row is not its own
    any more. What it runs belongs to others.
    """


class NoRetry(TruestepError):
    """Raise it in a step whose failure no further attempt would mend: the step fails at once."""


class DatabaseBusy(TruestepError):
    """Somebody holds a lock that a write waited for in vain; nothing was written."""

    def __init__(self, path: str, holder: Any = None) -> None:
        self.holder = str(holder or "a process that this system does not name")
        super().__init__(
            f"The database {path} is locked by {self.holder}. Nothing was written. Wait until "
            "that ends, or end it."
        )


class InsideTransaction(TruestepError, RuntimeError):
    def __init__(self, alias: str) -> None:
        super().__init__(
            f"A transaction is open on the database {alias!r}, so nothing was written: workers and "
            "pages act on this at once, and a rollback would undo it. Outside of a request, do "
            "this after the transaction, or in transaction.on_commit(). In a view, set "
            "@transaction.non_atomic_requests when ATOMIC_REQUESTS is on, and remove the "
            "decorator or middleware that opens a transaction."
        )


class KeyRefused(TruestepError):
    """A form came with a key that is not good; nothing was done."""

    def __init__(self, days: int) -> None:
        super().__init__(
            f"Nothing was done: this form was opened more than {days} days ago, or by somebody "
            "else. Send it again."
        )


class NotReady(TruestepError):
    """The database must not be used as it is; nothing was started."""


class TriggersMissing(NotReady):
    def __init__(self, names: list[str], migrate: str) -> None:
        super().__init__(
            f"The database lacks the triggers that guard every status ({', '.join(names)}). "
            f"Run: {migrate}"
        )


class DatabaseUnsafe(NotReady):
    """What is written to this SQLite may be lost; the text says why and what to do."""


class DatabaseUnusable(NotReady):
    """The database is busy, full, read-only or away; the text says which, and what to do."""


class StepStopped(BaseException):
    """Raised inside a step that has to stop now: it was cancelled or its time is up.

    Not an ``Exception``, so that a step's own ``except Exception`` does not swallow it.
    """
