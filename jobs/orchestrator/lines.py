"""Who gets a concurrency key: at a launch, and when a job that holds it has ended.

A key is given in a transaction of its own, after the one that ends its holder: the end of a job
never fails because of another job. What no one has given on, because the process was killed between
the two, the chore ``upkeep.lines`` gives on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .. import database, journal
from ..concurrency import JOIN, REFUSE, Concurrency
from ..exceptions import KeyHeld
from ..journal import Batch, Collision, JobState, KeyTaken
from ..models import Holder, Job, Line, read_line

logger = logging.getLogger("truestep.orchestrator.lines")

MOST_IN_A_ROW = 1000  # jobs that get one key; the chore continues


def move_on(*batches: Batch) -> None:
    """These batches are written: where a job has ended, the next one gets its key."""
    for key in {batch.moved_line for batch in batches}:
        try_to_hand_over(key)


def try_to_hand_over(key: str) -> None:
    """``hand_over``, if there is a key; when the database refuses that, the chore does it."""
    if not key:
        return
    try:
        hand_over(key)
    except (Collision, *database.DATABASE_ERRORS) as error:
        logger.warning("The next sweep hands over the key %s: %s", key, error)


def hand_over(key: str) -> None:
    """Give a key to the jobs that are first in its line, as far as it is free."""
    for _ in range(MOST_IN_A_ROW):
        job_id = read_line(key).next
        if job_id is None:
            return
        try:
            state = JobState.load(job_id)
            journal.commit(state, _obtain, name="hand_over", source="worker")
        except Job.DoesNotExist:
            continue


def _obtain(batch: Batch) -> None:
    job = batch.state.job
    if job.awaits_key and (number := read_line(job.key).free_number(job.at_most)):
        batch.obtain_key(number)


def place(
    jobs: Sequence[Job], wanted: Sequence[Concurrency | None], *, is_again: bool
) -> list[Job]:
    """Say of new jobs whether they have the keys that they want or wait for them.

    Returns them in their order, with the job that is joined in the place of one that is not to be
    written. Raises KeyHeld, and KeyTaken when the line has moved meanwhile. Called in the
    transaction that writes them. When it *is_again*, the numbers are chosen by chance, so that many
    processes do not collide at the same ones.
    """
    lines: dict[str, _NewLine] = {}
    placed = []
    for job, its in zip(jobs, wanted, strict=True):
        if its:
            line = lines.get(its.key) or lines.setdefault(its.key, _NewLine(its.key, is_again))
            job = line.place(job, its)
        placed.append(job)
    return placed


class _NewLine:
    """A line as it is going to be with the jobs of one launch."""

    def __init__(self, key: str, is_again: bool) -> None:
        self._key, self._is_again = key, is_again
        self._line: Line = read_line(key)
        self._new: list[Job] = []  # that hold the key or wait for it

    def place(self, job: Job, wanted: Concurrency) -> Job:
        number = self._free_number(wanted.at_most)
        if number == 0 and wanted.when_held == REFUSE:
            raise self._held()
        if number == 0 and wanted.when_held == JOIN:
            return self._joined()
        job.key, job.at_most = self._key, wanted.at_most
        job.key_number, job.key_since = number, job.created_at
        self._new.append(job)
        return job

    def _free_number(self, at_most: int) -> int:
        """Zero, too, where others wait: they are first."""
        if self._line.first or any(job.key_number == 0 for job in self._new):
            return 0
        now = [Holder(0, job.key_number or 0, job.created_at) for job in self._new]
        return self._line._replace(holders=[*self._line.holders, *now]).free_number(
            at_most, by_chance=self._is_again
        )

    def _holder(self) -> int | None:
        """The oldest job that holds the key, or the first one that waits for it."""
        return min((each.job_id for each in self._line.holders), default=self._line.first)

    def _held(self) -> KeyHeld:
        return KeyHeld(self._key, self._holder(), is_waiting=not self._line.holders)

    def _joined(self) -> Job:
        if (job_id := self._holder()) is None:
            return self._new[0]
        if job := Job.objects.filter(pk=job_id).first():
            return job
        raise KeyTaken  # it was deleted: look again
