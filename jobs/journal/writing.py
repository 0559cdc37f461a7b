"""How a batch is written: journal entries first, then the rows that they describe, then news."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError

from .. import crashpoints, database, intents, news
from ..codes import Fact
from ..models import Job, Step, Transition
from ..plan import Plan
from ..statuses import Kind, Status
from ..text import shorten
from . import statements
from .attempts import LogTail
from .rows import AttemptRow, Entry
from .statements import COPIED, STARTED, Statement

ACTOR, REASON = 150, 500  # characters that the journal has room for


class Collision(Exception):
    """Another process wrote to this job since the state was read."""


class LogMoved(Exception):
    """The step's log does not end where its attempt remembers: the database was restored."""


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


@dataclass
class Changes:
    """What a batch has decided about one job, not written yet."""

    job: Job  # as it is going to be
    base_seq: int  # where its journal ended when the batch began …
    base_tag: str  # … and the tag of that entry
    plan: Plan[int]
    entries: list[Entry] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)  # steps
    attempts: dict[int, AttemptRow] = field(default_factory=dict)  # that begin or end, by step
    freed_by: dict[int, int] = field(default_factory=dict)  # succeeded step → seq of its entry
    charged: dict[int, Step] = field(default_factory=dict)  # whose counters or pause change
    taken_back: dict[int, Step] = field(default_factory=dict)  # by a person's retry
    tails: list[LogTail] = field(default_factory=list)  # of attempts that end
    intent: tuple[str, Any] | None = None  # what was asked for, and what came of it


def write(changes: Changes, name: str) -> None:
    """Called inside the transaction. *name* is that of its crash points.

    Raises Collision and LogMoved.
    """
    if changes.intent:
        intents.record(*changes.intent)
    _write_journal(changes)
    crashpoints.reach(f"{name}.journal_written")
    _write_job(changes)
    crashpoints.reach(f"{name}.job_written")
    for tail in changes.tails:
        write_tail(tail)  # as long as the fence has not risen
    _write_steps(changes)
    crashpoints.reach(f"{name}.steps_written")
    _execute_all(statements.write_attempts(list(changes.attempts.values())))
    news.announce(changes.job.pk, changes.job.seq)


def write_entries(entries: Sequence[Entry]) -> None:
    """Called inside the transaction."""
    _execute_all(statements.insert_entries(entries))


def _write_journal(changes: Changes) -> None:
    try:
        write_entries(changes.entries)
    except IntegrityError as error:
        raise Collision("journal number taken") from error


def _write_job(changes: Changes) -> None:
    job, last = changes.job, changes.entries[-1]
    job.seq, job.tag = last.seq, last.tag
    if not database.execute(*statements.update_job(job, changes.base_seq, changes.base_tag)):
        raise Collision("the job has moved on")


def _write_steps(changes: Changes) -> None:
    job, base_seq = changes.job, changes.base_seq
    if changes.moved:
        moved = database.execute(*statements.move_steps(job, base_seq))
        if moved != len(changes.moved):
            raise Collision("a step has moved on")
    for step in changes.charged.values():
        database.execute(*statements.charge_step(step))
    if changes.taken_back:
        database.execute(*statements.take_back_steps(job, base_seq))
    for dependency, seq in changes.freed_by.items():
        if not changes.moved.issuperset(changes.plan.dependants[dependency]):
            database.execute(*statements.free_steps(dependency, seq))  # else they start now


def write_tail(tail: LogTail) -> None:
    """Write the end of an attempt's log. Called inside a transaction.

    Raises LogMoved, also when the step is not this attempt's any more.
    """
    if not database.execute(*statements.update_log(tail)):
        raise LogMoved
    _execute_all(statements.insert_chunks(tail.chunks))


def _execute_all(batch: Iterable[Statement]) -> None:
    for statement in batch:
        database.execute(*statement)


def is_written(changes: Changes) -> bool:
    """Whether the last entry of these very changes is in the database, and so all of them."""
    last = changes.entries[-1]
    return Transition.objects.filter(job=last.job_id, seq=last.seq, tag=last.tag).exists()
