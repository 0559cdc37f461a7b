"""Decide on a remembered job and write what was decided, all or nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import NamedTuple

from .. import crashpoints, database, dispatch, tracing
from . import writing
from .batch import Batch
from .batch_function import Collision
from .changes import Changes
from .state import JobState

# Seconds before a batch that met a busy database or a faster writer is decided again.
RETRY_PAUSES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)


class Decision(NamedTuple):
    """What to decide about a job, and the name of its crash points."""

    state: JobState
    decide: Callable[[Batch], None]
    name: str


def commit(
    state: JobState,
    decide: Callable[[Batch], None],
    *,
    name: str = "batch",
    actor: str = "",
    source: str = "",
    gives_way: bool = False,
) -> Batch:
    """Run *decide* on the state, and write what it decided in one transaction, all or nothing.

    *decide* may run several times; it acts only through the batch. The crash points of this batch
    begin with *name*. Returns the batch that was written. Raises what *decide* raises, and then
    nothing is written, and the database's error when it stays busy through all retries. One that
    *gives_way* raises Collision when another process was faster; others decide again.
    """
    decision = Decision(state, decide, name)
    lock = False
    for pause in (*RETRY_PAUSES, None):
        try:
            [batch] = _commit([decision], lock=lock, actor=actor, source=source)
            return batch
        except BaseException as error:
            is_overtaken = isinstance(error, Collision) and not gives_way
            is_passing = is_overtaken or database.is_transient(error)
            if pause is None or not is_passing:
                raise
        lock = True  # so that the next attempt cannot be overtaken
        time.sleep(pause * random.uniform(0.5, 1.5))
    raise AssertionError("the last attempt raises or returns")


def commit_together(decisions: Iterable[Decision], *, source: str) -> list[Batch]:
    """Commit decisions about several jobs in one transaction, or none of them.

    The next decision is asked for when those before it are made. It is tried once. Raises
    Collision, what the decisions raise and what the database raises.
    """
    return _commit(decisions, source=source)


def _commit(
    decisions: Iterable[Decision], *, lock: bool = False, actor: str = "", source: str
) -> list[Batch]:
    """With *lock*, the jobs are locked and read again first."""
    batches: list[Batch] = []
    try:
        with ExitStack() as transaction:
            if lock:
                transaction.enter_context(database.write())
            for state, decide, name in decisions:
                crashpoints.reach(f"{name}.before_begin")
                if lock:
                    state.refresh(lock=True)
                batches.append(Batch(state, actor=actor, source=source, name=name))
                decide(batches[-1])
            changes = _settled(batches)
            is_one_statement = not lock and writing.is_one_statement(changes)
            if not lock:
                transaction.enter_context(database.write(is_one_statement=is_one_statement))
            if changes:
                writing.write(changes)
            for batch in () if is_one_statement else batches:
                crashpoints.reach(f"{batch.name}.before_commit")
    except BaseException as error:
        if batches and has_arrived(error, batches[0].is_in_database):
            _tell(batches)
            return batches
        for batch in batches:
            batch.undo()
        raise
    for batch in batches:
        crashpoints.reach(f"{batch.name}.after_commit")
    _tell(batches)
    return batches


def _tell(batches: Iterable[Batch]) -> None:
    """Tell workers of ready steps, and make a span of each attempt that has ended, if wanted."""
    if dispatch.is_wanted():
        dispatch.announce(set().union(*(batch.ready_queues for batch in batches)))
    if tracing.is_loaded():
        for ended in (each for batch in batches for each in batch.ended()):
            tracing.record(ended)


def _settled(batches: Iterable[Batch]) -> list[Changes]:
    """What they have to write, in the order of their jobs.

    In another order, two processes could each wait for a job that the other one has locked.
    """
    in_order = sorted(batches, key=lambda batch: batch.state.job.pk)
    return [changes for batch in in_order if (changes := batch.settled())]


def has_arrived(error: BaseException, is_there: Callable[[], bool]) -> bool:
    """Whether a transaction was committed although *error* came instead of COMMIT's answer.

    False, too, while the database cannot be asked: a batch that is written again then collides with
    its first copy.
    """
    if not database.is_commit_uncertain(error):
        return False
    for pause in RETRY_PAUSES:
        time.sleep(pause)
        try:
            database.reconnect()
            return is_there()
        except database.DATABASE_ERRORS:
            continue
    return False
