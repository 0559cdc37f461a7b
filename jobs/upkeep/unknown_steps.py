"""Fails steps that no worker knows how to run."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from contextlib import suppress

from .. import conf, orchestrator, workers
from ..codes import Code, Fact
from ..models import FIRST, Job, Place, ReadyStep, ready_steps
from ..orchestrator import Claimant

MOST_LOOKED_AT = 1000  # ready steps in one run; the next run continues after them


class UnknownSteps:
    """A chore: ready steps that no living worker knows fail once they have waited for the grace.

    Only those of queues that this worker serves: where no worker serves a queue, its steps wait.

    One run looks at a part of the ready steps, a round of runs at all of them. A step that a round
    does not find again is known by now, or not ready any more.
    """

    def __init__(self, claimant: Claimant) -> None:
        self.is_idle = False
        self._known = claimant.known
        self._queues = list(claimant.worker.queues) or None
        self._unknown_since: dict[int, float] = {}  # step → monotonic seconds
        self._found: dict[int, float] = {}  # the same, of the round in progress
        self._looked_at: Place | None = None  # of the round's last step

    @property
    def due_at(self) -> float:
        """As soon as possible in a round, else when the first unknown step has waited enough."""
        if self._looked_at is not None:
            return 0.0
        return min(self._unknown_since.values(), default=math.inf) + conf.knobs().unknown_grace

    def run(self, held: Collection[int]) -> None:
        now, grace = time.monotonic(), conf.knobs().unknown_grace
        overdue: dict[int, dict[int, Fact]] = {}  # job → step → why
        for step in self._unknown():
            since = self._found[step.pk] = self._unknown_since.get(step.pk, now)
            if now - since >= grace:
                overdue.setdefault(step.job_id, {})[step.pk] = Fact(
                    Code.STEP_UNKNOWN_TO_WORKERS,
                    {"step": step.name, "definition": step.definition, "waited": grace},
                )
        if self._looked_at is None:
            self._unknown_since, self._found = self._found, {}
        for job_id, facts in overdue.items():
            with suppress(Job.DoesNotExist):
                orchestrator.give_up(job_id, facts)

    def _unknown(self) -> list[ReadyStep]:
        """Of the next part of the ready steps, those that no living worker knows."""
        unknown_here = [
            step
            for step in self.next_ready()
            if step.name not in self._known.get(step.definition, ())
        ]
        if not unknown_here:
            return []
        known = workers.KnownSteps(workers.living())
        return [
            step
            for step in unknown_here
            if not known.has(step.name, step.definition, step.queue, step.job_id)
        ]

    def next_ready(self) -> list[ReadyStep]:
        """The next part of the ready steps; empty at the end of a round."""
        behind = self._looked_at or FIRST
        found, _ = ready_steps(MOST_LOOKED_AT, behind=behind, queues=self._queues)
        last = found[-1] if len(found) == MOST_LOOKED_AT else None
        self.is_idle = not found and self._looked_at is None
        self._looked_at = last.place if last else None
        return found
