"""What nobody would ever move on: steps of lost workers, steps that their worker does not run, and
steps that no worker knows.

Every worker sweeps. An election would need signs of life of its own, and a sweep that finds nothing
costs a few small reads, however many steps wait; of two that find the same, the first one wins.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.db.models import F

from .. import conf, orchestrator, times, workers
from ..codes import Code, Fact
from ..models import Attempt, Job, ReadyStep, Step
from ..orchestrator import Desk
from ..runner import Outcome
from ..statuses import Status, Verdict

SWEEP_SECONDS = 0.4  # a worker of this host that was killed is noticed within a second
SLOW_SECONDS = 2.5  # the same where such a death is reported; at most a sixth of the lease
REPORT_SECONDS = 0.02  # from the report of a death to the sweep; the lock is free by then
REST = 4  # times as long as a sweep took: slow ones take at most a fifth of a worker's time
MOST_LOOKED_AT = 1000  # ready steps in one sweep; the next sweep goes on behind them


@dataclass
class Sweep:
    """Looks, on behalf of one living worker, for steps that need help."""

    desk: Desk
    deaths_are_reported: bool = False  # by calls of ``hurry``
    _unknown_since: dict[int, float] = field(default_factory=dict)  # step → monotonic seconds
    _found: dict[int, float] = field(default_factory=dict)  # the same, of the round in progress
    _looked_at: tuple[int, int] | None = None  # job and position of the last one of the round
    has_news: bool = True  # since the last look somebody may have committed something
    _some_wait: bool = False  # ready steps, at the last look
    due_at: float = 0.0  # when it is time for another look, in monotonic seconds
    _leeway: float = 0.0  # or so many seconds earlier, when the worker is awake anyway
    _rests_until: float = 0.0
    _hurries_until: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for another look."""
        return time.monotonic() >= self.due_at - self._leeway

    def hurry(self) -> None:
        """There may be something to find: look soon, and once more a little later."""
        now = time.monotonic()
        self._hurries_until = now + 2 * SWEEP_SECONDS
        self.due_at = min(self.due_at, max(self._rests_until, now + REPORT_SECONDS))
        self._leeway, self.has_news = 0.0, True

    def run(self, held: Collection[int]) -> None:
        """One look. *held* are the steps that this worker really runs."""
        began = time.monotonic()
        self.due_at = began + SWEEP_SECONDS
        if self.has_news:
            self._look_at_steps(held)
        workers.mark_dead_workers()
        ended = time.monotonic()
        self._rests_until = ended + REST * (ended - began)
        decided_at = min(self._next_overdue(), ended + workers.next_expiry())
        pause = self._pause(ended)
        next_at = min(began + pause, decided_at)
        self.due_at = max(self._rests_until, began + SWEEP_SECONDS, next_at)
        is_slow = pause > SWEEP_SECONDS and self.due_at < decided_at
        self._leeway = pause / 10 if is_slow else 0.0

    def _look_at_steps(self, held: Collection[int]) -> None:
        mine, others = self._running()
        orchestrator.end_for_others(self._lost(others))
        # What stands as running here and does not run: the answer to a COMMIT was lost.
        never_began = Outcome(verdict=Verdict.INTERRUPTED, fact=Fact(Code.STEP_NEVER_BEGAN))
        orchestrator.end_for_others(
            (attempt, never_began) for attempt in mine if attempt.step_id not in held
        )
        self._give_up_unknown()
        # Where nothing runs or waits, only a commit can change that.
        self.has_news = bool(mine or others or self._some_wait)

    def _pause(self, now: float) -> float:
        """Seconds from one sweep to the next."""
        is_in_a_round = self._looked_at is not None
        if is_in_a_round or now < self._hurries_until or not self.deaths_are_reported:
            return SWEEP_SECONDS
        return min(SLOW_SECONDS, conf.knobs().lease / 6)

    def _next_overdue(self) -> float:
        """When the next unknown step will have waited through the grace."""
        return min(self._unknown_since.values(), default=math.inf) + conf.knobs().unknown_grace

    def _running(self) -> tuple[list[Attempt], list[Attempt]]:
        """The attempts that stand as running, with their steps and workers: here, and elsewhere."""
        mine: list[Attempt] = []
        others: list[Attempt] = []
        if not Step.objects.running().exists():  # mostly, where workers idle
            return mine, others
        current = Attempt.objects.filter(step__status=Status.RUNNING, number=F("step__attempt"))
        current = current.select_related("step", "worker").defer("worker__knows")
        for attempt in current.order_by("pk"):
            is_mine = attempt.worker and attempt.worker.uuid == self.desk.worker.uuid
            (mine if is_mine else others).append(attempt)
        return mine, others

    def _lost(self, running: Iterable[Attempt]) -> Iterator[tuple[Attempt, Outcome]]:
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

    def _give_up_unknown(self) -> None:
        """Ready steps that no living worker knows, once they have waited through the grace.

        A sweep looks at a part of the ready steps, a round of sweeps at all of them. What a round
        does not find again is known by now, or not ready any more.
        """
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
        known = self.desk.known
        strangers = [
            step for step in self._next_ready() if step.name not in known.get(step.definition, ())
        ]
        if not strangers:
            return []
        crew = workers.KnownSteps(workers.living())
        return [step for step in strangers if not crew.has(step.job_id, step.definition, step.name)]

    def _next_ready(self) -> list[ReadyStep]:
        found = Step.objects.ready().behind(self._looked_at, MOST_LOOKED_AT)
        last = found[-1] if len(found) == MOST_LOOKED_AT else None
        self._some_wait = bool(found) or self._looked_at is not None
        self._looked_at = (last.job_id, last.position) if last else None
        return found
