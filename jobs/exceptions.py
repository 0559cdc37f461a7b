"""Errors whose text says what happened, to what, and what to do now.

Each has a ``code`` for programs. A code keeps its meaning for ever; a text may change.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TruestepError(Exception):
    """Base of everything that Truestep raises on purpose."""

    code: ClassVar[str] = "error"


class UnknownDefinition(TruestepError):
    code = "unknown_definition"

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        names = ", ".join(known) or "none (no installed app has a jobs.py with a JobDefinition)"
        super().__init__(f"No definition is named {name!r}. Known definitions: {names}.")


class InvalidParams(TruestepError):
    """The parameters do not fit the definition's form; ``errors`` maps each field to messages.

    ``form`` is the form that has read them, if one has.
    """

    code = "invalid_params"

    def __init__(self, definition: str, errors: dict[str, list[str]], form: Any = None) -> None:
        self.definition = definition
        self.errors = errors
        self.form = form
        problems = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items())
        super().__init__(f"{definition} cannot be launched with these parameters. {problems}")


class LostParam(TruestepError):
    """A parameter cannot be read back as it was at launch; a further attempt would not help."""

    code = "lost_param"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"Parameter {field!r}: {reason}. Launch again with another one.")


class LostSecrets(TruestepError):
    """The secret parameters of a job cannot be decrypted; a further attempt would not help."""

    code = "lost_secrets"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The secret parameters of the job cannot be decrypted: {reason}. Launch the job "
            "again; that asks for them."
        )


class SecretInError(TruestepError):
    """In place of an error of the project's own code that has a secret parameter in its text."""

    code = "secret_in_error"

    def __init__(self, kind: str, hidden: str) -> None:
        super().__init__(f"{kind}: {hidden} (*** is a secret parameter)")


class MoveRefused(TruestepError):
    """The status table does not allow this move; nothing was written."""

    code = "move_refused"

    def __init__(self, what: Any, old: str, new: str) -> None:
        super().__init__(
            f"{what} is {old}; it cannot become {new}. Reload to see its current state."
        )


class Overtaken(TruestepError):
    """The attempt is not this worker's any more; nothing was written."""

    code = "overtaken"


class UnknownStep(TruestepError):
    code = "unknown_step"

    def __init__(self, job: Any, name: str) -> None:
        super().__init__(f"{job} has no step named {name!r}; its page lists those it has.")


class KeyHeld(TruestepError):
    """Another job holds the concurrency key; nothing was written. ``job_id`` is that job."""

    code = "key_held"

    def __init__(self, key: str, job_id: int | None, is_waiting: bool = False) -> None:
        self.key, self.job_id = key, job_id
        who = "another job of this launch" if job_id is None else f"job {job_id}"
        does = "waits for" if is_waiting and job_id else "holds"
        super().__init__(
            f"Nothing was launched: {who} {does} the key {key}. Launch again when it has ended."
        )


class StepNotRunning(TruestepError):
    code = "step_not_running"

    def __init__(self, step: str, status: str) -> None:
        super().__init__(f"{step} is {status}: only a running step has a stack.")


class UnknownQueue(TruestepError):
    code = "unknown_queue"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"There is no queue {name!r}: no step and no worker names it. Queues: "
            f"{', '.join(known)}."
        )


class DeclaredDead(TruestepError):
    """The row of this worker is not its own any more, and other workers have its steps.

    It sent no heartbeat for too long, or the database is an older copy.
    """

    code = "declared_dead"


class NoRetry(TruestepError):
    """Raise it in a step that a further attempt would not help: the step fails immediately."""

    code = "no_retry"


class DatabaseBusy(TruestepError):
    """A write waited too long for a lock; nothing was written."""

    code = "database_busy"

    def __init__(self, path: str, holder: Any = None) -> None:
        self.holder = str(holder or "a process that this system does not name")
        super().__init__(
            f"The database {path} is locked by {self.holder}. Nothing was written. Wait until "
            "that ends, or end it."
        )


class InsideTransaction(TruestepError, RuntimeError):
    code = "inside_transaction"

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"A transaction is open on the database {alias!r}, so nothing was written: workers and "
            "pages act on this immediately, and a rollback would undo it. Outside of a request, do "
            "this after the transaction, or in transaction.on_commit(). In a view, set "
            "@transaction.non_atomic_requests when ATOMIC_REQUESTS is on, and remove the "
            "decorator or middleware that opens a transaction."
        )


class KeyRefused(TruestepError):
    """A form came with a key that is too old or another user's; nothing was done."""

    code = "key_refused"

    def __init__(self, days: int) -> None:
        super().__init__(
            f"Nothing was done: this form was opened more than {days} days ago, or by another "
            "user. Send it again."
        )


class NotReady(TruestepError):
    """The database must not be used as it is; nothing was started."""

    code = "not_ready"


class MigrationsMissing(NotReady):
    code = "migrations_missing"

    def __init__(self, names: list[str], migrate: str) -> None:
        super().__init__(
            f"The database lacks migrations of this release ({', '.join(names)}). Run: {migrate}"
        )


class TriggersMissing(NotReady):
    code = "triggers_missing"

    def __init__(self, names: list[str], migrate: str) -> None:
        super().__init__(
            f"The database lacks the triggers that guard every status ({', '.join(names)}). "
            f"Run: {migrate}"
        )


class FunctionsMissing(NotReady):
    code = "functions_missing"

    def __init__(self, names: list[str], migrate: str) -> None:
        super().__init__(
            f"The database lacks functions by which this release writes ({', '.join(names)}). "
            f"Run: {migrate}"
        )


class DatabaseUnsafe(NotReady):
    """What is written to this SQLite may be lost; the text says why and what to do."""

    code = "database_unsafe"


class DatabaseUnusable(NotReady):
    """The database is busy, full, read-only or away; the text says which, and what to do."""

    code = "database_unusable"


class StepStopped(BaseException):
    """Raised inside a step that has to stop now: it was cancelled or its time is up.

    Not an ``Exception``, so that a step's own ``except Exception`` does not swallow it.
    """
