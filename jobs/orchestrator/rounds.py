"""A worker's round: attempts have ended, and as many steps start, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .. import journal
from ..journal import Batch, Claim, Decision, LogTail
from ..runner import Outcome
from ..statuses import REQUEUED
from . import lines
from .claims import Claimant, Room, deleted_is_overtaken, next_job, start_ready
from .endings import end


class Ended(NamedTuple):
    """An attempt that has ended, and the end of its log."""

    held: Claim
    outcome: Outcome
    tail: LogTail


def finish_and_claim(claimant: Claimant, ended: Sequence[Ended], room: int) -> list[Claim]:
    """Record how attempts ended, and start up to *room* steps of their jobs and of the next ones.

    It is tried once. Raises Overtaken, LogMoved, Collision and what the database raises; nothing is
    written then, and ``finish`` does what can be done for each attempt.
    """
    with deleted_is_overtaken():
        its = Room(claimant, room, [each.held for each in ended])
        decisions = _Round(claimant, ended, its).decisions()
        batches = journal.commit_together(decisions, source="worker")
    lines.move_on(*batches)
    return [claim for batch in batches for claim in batch.claims]


@dataclass
class _Round:
    claimant: Claimant
    ended: Sequence[Ended]
    room: Room  # left

    def decisions(self) -> Iterator[Decision]:
        """First about the jobs of the attempts, then about the next ones while there is room."""
        decided = {each.held.job_id for each in self.ended}
        for job_id in decided:
            state = self.claimant.jobs[job_id] = self.claimant.state_of(job_id)
            yield Decision(state, self._finish, "finish")
        while found := next_job(self.claimant, self.room, besides=decided):
            self.claimant.jobs[found.job.pk] = found
            decided = decided | {found.job.pk}
            yield Decision(found, self._start, "claim")

    def _finish(self, batch: Batch) -> None:
        here = [each for each in self.ended if each.held.job_id == batch.state.job.pk]
        for held, outcome, tail in here:
            end(batch, self.claimant.worker, held, outcome, tail)
        if not any(each.outcome.verdict in REQUEUED for each in here):
            self._start(batch)

    def _start(self, batch: Batch) -> None:
        start_ready(batch, self.claimant, self.room)
