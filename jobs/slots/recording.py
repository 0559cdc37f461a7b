"""Records how attempts ended, and starts the next steps: in one transaction, if that works."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from .. import database, orchestrator
from ..exceptions import Overtaken
from ..journal import Claim, Collision, LogMoved
from ..orchestrator import Claimant, Ended
from ..runner import Outcome
from ..statuses import Verdict
from .handle import RunningAttempt
from .pool import Pool

logger = logging.getLogger("truestep.slots.recording")

RETRY_SECONDS = 1.0  # until a write that the database refused is tried again


class Recorder:
    """Takes attempts from the pool when their end is recorded, and runs what it claims with it."""

    def __init__(self, pool: Pool, size: int, run: Callable[[Claim], None]) -> None:
        self._pool = pool
        self._size = size
        self._run = run
        self.is_draining = False  # the worker ends
        self.takes_work = True  # False while people want it to start nothing
        self.has_room = False  # a slot became free, and no work was looked for

    def work_for(self, claimant: Claimant) -> None:
        self._claimant = claimant

    @property
    def room(self) -> int:
        """How many more steps may start now."""
        return self._room_beside(0)

    def _room_beside(self, ended: int) -> int:
        """The same, once so many attempts that have ended are recorded."""
        if self.is_draining or not self.takes_work:
            return 0
        return self._size - len(self._pool.running) + ended

    def record(self, *, may_claim: bool) -> None:
        """Record every end that is due; claim steps of other jobs only if that is allowed.

        Raises what the database raises when it refuses every write.
        """
        now = time.monotonic()
        ended = [each for each in self._pool.running if each.outcome and now >= each.retry_at]
        if not ended or (may_claim and self._record_together(ended)):
            return
        for attempt in ended:
            self._record(attempt)

    def _record_together(self, attempts: list[RunningAttempt]) -> bool:
        """Whether that was done. Otherwise nothing was."""
        ended = [Ended(each.claim, self._ending(each), each.book.tail()) for each in attempts]
        room = self._room_beside(len(attempts))
        try:
            claims = orchestrator.finish_and_claim(self._claimant, ended, room)
        except (Overtaken, LogMoved, Collision):
            return False
        except database.DATABASE_ERRORS as error:
            if not database.outage_of(error).blocks_every_write:
                return False
            for attempt in attempts:
                attempt.retry_at = time.monotonic() + RETRY_SECONDS
            raise
        for attempt, (_, outcome, tail) in zip(attempts, ended, strict=True):
            attempt.book.written(tail)
            self._pool.release(attempt)
            # Its retry has to be awaited, or another job may have got its key.
            has_key = bool(self._claimant.jobs[attempt.claim.job_id].job.key)
            self.has_room |= outcome.verdict is not Verdict.RETURNED or has_key
        self._run_all(claims)
        return True

    def _record(self, attempt: RunningAttempt) -> None:
        """Write the last lines and how the attempt ended; then its slot is free."""
        room = self._room_beside(1)
        ending = self._ending(attempt)
        try:
            claims = self._finish(attempt, ending, room)
        except Overtaken:
            self.overtaken(attempt)
            return
        except database.DATABASE_ERRORS as error:
            attempt.retry_at = time.monotonic() + RETRY_SECONDS
            if database.outage_of(error).blocks_every_write:
                raise
            claim = attempt.claim
            why = database.explain(error)
            logger.warning("The end of %s waits: %s", claim.name, why, extra=claim.ids)
            return
        self._release(attempt)
        self._run_all(claims)

    def _ending(self, attempt: RunningAttempt) -> Outcome:
        self._pool.read_to_the_end(attempt)
        return attempt.ending(worker_stops=self.is_draining)

    def _finish(self, attempt: RunningAttempt, ending: Outcome, room: int) -> list[Claim]:
        """In one batch with the last lines, if the log ends where this worker thinks it does."""
        book = attempt.book
        tail = book.tail()
        try:
            claims = orchestrator.finish(self._claimant, attempt.claim, ending, room, tail=tail)
        except LogMoved:
            book.write()
            tail = book.tail()
            claims = orchestrator.finish(self._claimant, attempt.claim, ending, room, tail=tail)
        book.written(tail)
        return claims

    def overtaken(self, attempt: RunningAttempt) -> None:
        """The step is someone else's now: kill it here, and leave its rows alone.

        If the note cannot be written, the refused write is tried again.
        """
        claim = attempt.claim
        self._pool.discard(attempt)
        logger.warning(
            "Attempt %s of %s was taken over.", claim.attempt, claim.name, extra=claim.ids
        )
        orchestrator.note_refused(self._claimant, claim)
        self._release(attempt)

    def _release(self, attempt: RunningAttempt) -> None:
        self._pool.release(attempt)
        self.has_room = True

    def _run_all(self, claims: list[Claim]) -> None:
        for claim in claims:
            self._run(claim)
        self._claimant.forget({each.claim.job_id for each in self._pool.running})
