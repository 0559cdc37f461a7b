"""Ends attempts that no process runs any more."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator

from django.db.models import F

from .. import conf, orchestrator, times, workers
from ..codes import Code, Fact
from ..models import Attempt, Step
from ..orchestrator import Claimant
from ..runner import Outcome
from ..statuses import Status, Verdict


class LostAttempts:
    """A chore: attempts whose worker is gone are lost, and attempts that this worker should run
    and does not were never begun. The latter happens when the answer to a COMMIT was lost.
    """

    is_idle = False  # another worker may start a step without waking this one
    due_at = math.inf  # when a lease ends, ``DeadWorkers`` asks for a sweep

    def __init__(self, claimant: Claimant) -> None:
        self._worker = claimant.worker

    def run(self, held: Collection[int]) -> None:
        own, others = self.running()
        orchestrator.end_for_others(self.lost(others))
        never_began = Outcome(verdict=Verdict.INTERRUPTED, fact=Fact(Code.STEP_NEVER_BEGAN))
        orchestrator.end_for_others(
            (attempt, never_began) for attempt in own if attempt.step_id not in held
        )

    def running(self) -> tuple[list[Attempt], list[Attempt]]:
        """The attempts that are running according to their rows: this worker's, and others'."""
        own: list[Attempt] = []
        others: list[Attempt] = []
        if not Step.objects.running().exists():  # the usual case where workers idle
            return own, others
        current = Attempt.objects.filter(step__status=Status.RUNNING, number=F("step__attempt"))
        current = current.select_related("step", "worker").defer("worker__knows")
        for attempt in current.order_by("pk"):
            is_own = attempt.worker and attempt.worker.uuid == self._worker.uuid
            (own if is_own else others).append(attempt)
        return own, others

    def lost(self, running: Iterable[Attempt]) -> Iterator[tuple[Attempt, Outcome]]:
        """Those whose worker is gone, and how each of them ends."""
        for attempt in running:
            worker = attempt.worker
            if worker is None or workers.is_gone(worker):
                how = "is gone (killed or crashed)"
            elif not workers.is_alive(worker) and workers.mark_dead(worker):
                how = f"has shown no sign of life for {times.setting(conf.knobs().lease)}"
            else:
                continue
            outcome = Outcome(
                verdict=Verdict.LOST,
                fact=Fact(Code.STEP_WORKER_LOST, {"worker": worker and str(worker)}),
                error=f"The worker {worker or 'of this attempt'} {how}, and the step with it.",
            )
            yield attempt, outcome
