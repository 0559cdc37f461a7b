"""How a batch is written: journal entries first, then the rows that they describe, then news."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError

from .. import crashpoints, database, intents, news
from ..codes import Fact
from ..database import Send, Sent
from ..models import Attempt, Job, Step, Transition
from ..plan import Plan
from ..statuses import Kind, Status
from ..text import shorten
from . import statements
from .statements import COPIED, STARTED

ACTOR, REASON = 150, 500  # characters that the journal has room for


class Collision(Exception):
    """Another process wrote to this job since the state was read."""


def entry(kind: Kind, fact: Fact, *, actor: str, tag: str = "", **columns: Any) -> Transition:
    """A journal entry that says *fact*, with these further *columns*; not written yet."""
    return Transition(
        kind=kind,
        code=fact.code,
        data=dict(fact.data),
        reason=shorten(fact.reason, REASON),
        actor=shorten(actor, ACTOR),
        tag=tag or new_tag(),
        **columns,
    )


def new_tag() -> str:
    """A random mark for a journal entry."""
    return secrets.token_hex(4)


def move(step: Step, by: Transition) -> None:
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
    entries: list[Transition] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)  # steps
    attempts: dict[int, Attempt] = field(default_factory=dict)  # that begin or end, by step
    freed_by: dict[int, int] = field(default_factory=dict)  # succeeded step → seq of its entry
    charged: dict[int, Step] = field(default_factory=dict)  # whose counters or pause change
    taken_back: dict[int, Step] = field(default_factory=dict)  # by a person's retry
    intent: tuple[str, Any] | None = None  # what was asked for, and what came of it


def write(changes: Changes, name: str) -> None:
    """Called inside the transaction. Raises Collision; *name* is that of its crash points."""
    if changes.intent:
        intents.record(*changes.intent)
    try:
        with database.pipeline() as send:
            job, moved = _send(changes, name, send)
    except IntegrityError as error:
        raise Collision("journal number taken") from error
    if job.rowcount != 1:
        raise Collision("the job has moved on")
    if moved and moved.rowcount != len(changes.moved):
        raise Collision("a step has moved on")
    news.announce(changes.job.pk, changes.job.seq)


def _send(changes: Changes, name: str, send: Send) -> tuple[Sent, Sent | None]:
    """Send the statements of a batch; returns those that tell whether it was overtaken."""
    job, base_seq, last = changes.job, changes.base_seq, changes.entries[-1]
    job.seq, job.tag = last.seq, last.tag
    for statement in statements.insert_entries(changes.entries):
        send(*statement)
    crashpoints.reach(f"{name}.journal_written")
    job_sent = send(*statements.update_job(job, base_seq, changes.base_tag))
    crashpoints.reach(f"{name}.job_written")
    moved = send(*statements.move_steps(job, base_seq)) if changes.moved else None
    for step in changes.charged.values():
        send(*statements.charge_step(step))
    if changes.taken_back:
        send(*statements.take_back_steps(job, base_seq))
    for dependency, seq in changes.freed_by.items():
        if not changes.moved.issuperset(changes.plan.dependants[dependency]):
            send(*statements.free_steps(dependency, seq))  # else they start in this batch
    crashpoints.reach(f"{name}.steps_written")
    if changes.attempts:
        for statement in statements.write_attempts(list(changes.attempts.values())):
            send(*statement)
    return job_sent, moved


def is_written(changes: Changes) -> bool:
    """Whether the last entry of these very changes is in the database, and so all of them."""
    last = changes.entries[-1]
    return Transition.objects.filter(job=last.job_id, seq=last.seq, tag=last.tag).exists()
