"""Decide on a remembered job and write what was decided, all or nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack

from .. import crashpoints, database
from .batch import Batch
from .state import JobState
from .writing import Collision

# Seconds before a batch that met a busy database or a faster writer is decided again.
RETRY_PAUSES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)


def commit(
    state: JobState,
    decide: Callable[[Batch], None],
    *,
    name: str = "batch",
    actor: str = "",
    source: str = "",
) -> Batch:
    """Run *decide* on the state, and write what it decided in one transaction, all or nothing.

    *decide* may run several times; it acts only through the batch. The crash points of this batch
    begin with *name*. Returns the batch that was written. Raises what *decide* raises, and then
    nothing is written, and the database's error when it stays busy through all retries.
    """
    is_stale = False
    for pause in (*RETRY_PAUSES, None):
        batch = None
        try:
            crashpoints.reach(f"{name}.before_begin")
            with ExitStack() as transaction:
                if is_stale:  # with the job's lock, this attempt cannot be overtaken
                    transaction.enter_context(database.write())
                    state.refresh(lock=True)
                batch = Batch(state, actor=actor, source=source, name=name)
                decide(batch)
                is_one_statement = batch.is_one_statement and not is_stale
                if not is_stale:
                    transaction.enter_context(database.write(is_one_statement=is_one_statement))
                batch.write()
                if not is_one_statement:
                    crashpoints.reach(f"{name}.before_commit")
        except BaseException as error:
            if batch and has_arrived(error, batch.is_in_database):
                return batch
            if batch:
                batch.undo()
            is_passing = isinstance(error, Collision) or database.is_transient(error)
            if pause is None or not is_passing:
                raise
        else:
            crashpoints.reach(f"{name}.after_commit")
            return batch
        is_stale = True
        time.sleep(pause * random.uniform(0.5, 1.5))
    raise AssertionError("the last attempt raises or returns")


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
