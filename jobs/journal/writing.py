"""How a batch is written: journal entries first, then the rows that they describe, then news."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from .. import crashpoints, database, intents, news
from ..codes import Fact
from ..models import Attempt, Job, Need, Step, Transition
from ..plan import Plan
from ..statuses import Kind, Status
from ..text import shorten

ACTOR, REASON = 150, 500  # characters that the journal has room for

# What a move makes of its step, in memory and in the database alike: columns that become what the
# entry says, and those that a start sets. Beside them the fence rises, and no pause is left.
_COPIED = {"status": "to_status", "seq": "seq", "attempt": "attempt", "tag": "tag"}
_STARTED = {"waiting": 0, "done": None, "total": None, "progress_text": ""}
_SET = [f"{column} = j.{source}" for column, source in _COPIED.items()] + [
    f"{column} = CASE WHEN j.to_status = '{Status.RUNNING}' THEN %s ELSE {column} END"
    for column in _STARTED
]
_MOVE = f"""
    UPDATE truestep_step SET fence = fence + 1, not_before = NULL, {", ".join(_SET)}
    FROM truestep_transition AS j
    WHERE j.job_id = %s AND j.seq > %s AND j.kind = '{Kind.MOVE}'
        AND truestep_step.id = j.step_id AND truestep_step.status = j.from_status
"""

# None of these steps is charged with an attempt any more, and each waits for what is undone.
_TAKE_BACK = f"""
    UPDATE truestep_step SET failures = 0, crashes = 0, interruptions = 0, waiting = (
        SELECT count(*) FROM truestep_need AS n
        JOIN truestep_step AS needed ON needed.id = n.needed_id
        WHERE n.step_id = truestep_step.id AND needed.status <> '{Status.SUCCEEDED}'
    )
    WHERE job_id = %s AND seq > %s
"""


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
    """Change a remembered step as ``_MOVE`` changes its row."""
    for column, source in _COPIED.items():
        setattr(step, column, getattr(by, source))
    step.fence += 1
    step.not_before = None
    if by.to_status == Status.RUNNING:
        for column, value in _STARTED.items():
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
    _write_journal(changes)
    crashpoints.reach(f"{name}.journal_written")
    _write_job(changes)
    crashpoints.reach(f"{name}.job_written")
    _write_moved_steps(changes)
    _write_charged_steps(changes)
    _write_taken_back_steps(changes)
    _write_freed_steps(changes)
    crashpoints.reach(f"{name}.steps_written")
    _write_attempts(changes)
    news.announce(changes.job.pk, changes.job.seq)


def is_written(changes: Changes) -> bool:
    """Whether the last entry of these very changes is in the database, and so all of them."""
    last = changes.entries[-1]
    return Transition.objects.filter(job=last.job_id, seq=last.seq, tag=last.tag).exists()


def _write_journal(changes: Changes) -> None:
    try:
        Transition.objects.bulk_create(changes.entries)
    except IntegrityError as error:
        raise Collision("journal number taken") from error


def _write_job(changes: Changes) -> None:
    job, last = changes.job, changes.entries[-1]
    job.seq, job.tag = last.seq, last.tag
    base = Job.objects.filter(pk=job.pk, seq=changes.base_seq, tag=changes.base_tag)
    written = base.update(
        seq=job.seq,
        tag=job.tag,
        status=job.status,
        cancel_requested=job.cancel_requested,
        started_at=job.started_at,
        ended_at=job.ended_at,
    )
    if not written:
        raise Collision("the job has moved on")


def _write_moved_steps(changes: Changes) -> None:
    """One statement for any number of steps: each becomes what its journal entry says."""
    if not changes.moved:
        return
    with database.connection.cursor() as cursor:
        cursor.execute(_MOVE, [*_STARTED.values(), changes.job.pk, changes.base_seq])
        if cursor.rowcount != len(changes.moved):
            raise Collision("a step has moved on")


def _write_charged_steps(changes: Changes) -> None:
    for step in changes.charged.values():
        Step.objects.filter(pk=step.pk).update(
            failures=step.failures,
            crashes=step.crashes,
            interruptions=step.interruptions,
            not_before=step.not_before,
        )


def _write_taken_back_steps(changes: Changes) -> None:
    """One statement for any number of steps."""
    if changes.taken_back:
        with database.connection.cursor() as cursor:
            cursor.execute(_TAKE_BACK, [changes.job.pk, changes.base_seq])


def _write_freed_steps(changes: Changes) -> None:
    """One statement for any number of steps that needed one which has succeeded."""
    for dependency, seq in changes.freed_by.items():
        if changes.moved.issuperset(changes.plan.dependants[dependency]):
            continue  # they have started in this batch
        dependants = Need.objects.filter(needed=dependency).values("step")
        pending = Step.objects.filter(pk__in=dependants, status=Status.PENDING)
        pending.update(waiting=F("waiting") - 1, seq=seq)


def _write_attempts(changes: Changes) -> None:
    """One statement for those that begin and those that end."""
    if changes.attempts:
        Attempt.objects.bulk_create(
            changes.attempts.values(),
            update_conflicts=True,
            unique_fields=["step", "number"],
            update_fields=["ended_at", "verdict", "result", "error", "traceback"],
        )
