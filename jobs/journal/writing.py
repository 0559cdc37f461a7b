"""How a batch is written: journal entries first, then the rows that they describe, then news."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError

from .. import crashpoints, database, intents, news
from ..codes import Fact
from ..models import Step, Transition
from ..statuses import Kind, Status
from ..text import shorten
from . import batch_function, statements
from .attempts import LogTail
from .batch_function import Collision, LogMoved
from .changes import Changes, tails_document
from .rows import Entry, Row, row_of
from .statements import COPIED, STARTED

KEY_TAKEN = "job_key_number_once"  # a constraint
ACTOR, REASON = 150, 500  # characters that the journal has room for


def entry(kind: Kind, fact: Fact, *, actor: str, tag: str = "", **columns: Any) -> Entry:
    """A journal entry that says *fact*, with these further *columns*; not written yet."""
    return Entry(
        kind=kind,
        code=fact.code,
        data=fact.data,
        reason=shorten(fact.reason, REASON),
        actor=shorten(actor, ACTOR),
        tag=tag or new_tag(),
        **columns,
    )


def new_tag() -> str:
    """A random mark for a journal entry."""
    return secrets.token_hex(4)


def move(step: Step, by: Entry) -> None:
    """Change a remembered step as ``move_steps`` changes its row."""
    for column, source in COPIED.items():
        setattr(step, column, getattr(by, source))
    step.fence += 1
    step.not_before = None
    if by.to_status == Status.RUNNING:
        for column, value in STARTED.items():
            setattr(step, column, value)


def is_one_statement(batches: Iterable[Changes]) -> bool:
    """Whether ``write`` runs one statement only."""
    return database.dialect().has_functions and not any(each.intent for each in batches)


def write(batches: Sequence[Changes]) -> None:
    """Called inside ``database.write``. Raises Collision and LogMoved."""
    for changes in batches:
        if changes.intent:
            intents.record(*changes.intent)
        job, last = changes.job, changes.entries[-1]
        job.seq, job.tag = last.seq, last.tag
    if database.dialect().has_functions:
        batch_function.write(*(changes.document() for changes in batches))
    else:
        for changes in batches:
            _run(changes.document(), changes.name)
    for changes in batches:
        news.announce(changes.job.pk, changes.job.seq)


def _run(batch: Mapping[str, Any], name: str) -> None:
    """What the function does, statement by statement."""
    _write_journal(batch)
    crashpoints.reach(f"{name}.journal_written")
    _write_job(batch)
    crashpoints.reach(f"{name}.job_written")
    _write_tails(batch)  # as long as the fence has not risen
    _write_steps(batch)
    crashpoints.reach(f"{name}.steps_written")
    insert("attempts", batch["attempts"])


def _write_journal(batch: Mapping[str, Any]) -> None:
    try:
        insert("entries", batch["entries"])
    except IntegrityError as error:
        raise Collision("journal number taken") from error


def _write_job(batch: Mapping[str, Any]) -> None:
    try:
        if not _execute(statements.UPDATE_JOB, batch):
            raise Collision("the job has moved on")
    except IntegrityError as error:
        if is_key_taken(error):
            raise Collision("another job has the key") from error
        raise


def is_key_taken(error: IntegrityError) -> bool:
    """Whether it says that another unfinished job has this number of the key."""
    return batch_function.constraint_of(error) == KEY_TAKEN or "truestep_job.key_number" in str(
        error
    )


def _write_tails(batch: Mapping[str, Any]) -> None:
    for tail in batch["tails"]:
        if not _execute(statements.UPDATE_LOG, {"tail": tail}):
            raise LogMoved
    insert("chunks", batch["chunks"])


def _write_steps(batch: Mapping[str, Any]) -> None:
    if batch["moved"] and _execute(statements.MOVE_STEPS, batch) != batch["moved"]:
        raise Collision("a step has moved on")
    for step in batch["charged"]:
        _execute(statements.CHARGE_STEP, {"step": step})
    if batch["takes_back"]:
        _execute(statements.TAKE_BACK_STEPS, batch)
    if batch["locks"]:
        _execute(statements.LOCK_STEPS, batch)
    if batch["unlocked_at"]:
        _execute(statements.UNLOCK_STEPS, batch)
    for success in batch["successes"]:
        _execute(statements.FREE_STEPS, {"success": success})


def write_entries(entries: Sequence[Entry]) -> None:
    """Called inside the transaction."""
    insert("entries", [row_of(entry, Transition) for entry in entries])


def write_tail(tail: LogTail) -> None:
    """Write the end of an attempt's log. Called inside a transaction.

    Raises LogMoved, also when the step is not this attempt's any more.
    """
    _write_tails(tails_document([tail]))


def _execute(text: str, values: Mapping[str, Any]) -> int:
    return database.execute(*statements.bind(text, values))


def insert(name: str, rows: Sequence[Row]) -> None:
    """Insert rows of one kind. Called inside a transaction."""
    for statement in statements.insert(name, rows):
        database.execute(*statement)


def is_written(changes: Changes) -> bool:
    """Whether the last entry of these very changes is in the database, and so all of them."""
    for last in changes.entries[-1:]:
        return Transition.objects.filter(job=last.job_id, seq=last.seq, tag=last.tag).exists()
    return False
