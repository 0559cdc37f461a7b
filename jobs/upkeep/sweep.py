"""A worker's regular look at its chores.

Every worker sweeps. An election would need heartbeats for itself, and a sweep that finds nothing
costs a few small reads, however many steps wait.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from .. import conf
from ..orchestrator import Claimant
from .chore import Chore
from .dead_workers import DeadWorkers
from .deadlines import Deadlines
from .lines import Lines
from .lost_attempts import LostAttempts
from .unknown_steps import UnknownSteps

CHORES = (LostAttempts, Lines, UnknownSteps, Deadlines, DeadWorkers)

SWEEP_SECONDS = 0.4  # a killed worker of this host is noticed within a second
SLOW_SECONDS = 2.5  # the same where its exit is reported; at most a sixth of the lease
REPORT_SECONDS = 0.02  # from the report of an exit to the sweep; the lock is free by then
REST = 4  # times as long as a sweep took: slow ones take at most a fifth of a worker's time


class Sweep:
    """Runs the chores for one living worker, and knows when they are due.

    With *exits_are_reported*, ``hurry`` is called when a worker of this host ends.
    """

    def __init__(self, claimant: Claimant, exits_are_reported: bool = False) -> None:
        self.has_news = True  # there may have been a commit since the last sweep
        self.due_at = 0.0  # of the next sweep, in monotonic seconds
        self._chores: list[Chore] = [chore(claimant) for chore in CHORES]
        self._exits_are_reported = exits_are_reported
        self._leeway = 0.0  # seconds earlier, if the worker is awake anyway
        self._rests_until = 0.0
        self._hurries_until = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next sweep."""
        return time.monotonic() >= self.due_at - self._leeway

    def hurry(self) -> None:
        """There may be something to find: sweep soon, and once more a little later."""
        now = time.monotonic()
        self._hurries_until = now + 2 * SWEEP_SECONDS
        self.due_at = min(self.due_at, max(self._rests_until, now + REPORT_SECONDS))
        self._leeway, self.has_news = 0.0, True

    def run(self, held: Collection[int]) -> None:
        """Run the chores once. *held* are the steps that this worker really runs."""
        began = time.monotonic()
        self.due_at = began + SWEEP_SECONDS
        for chore in self._chores:
            if self.has_news or not chore.is_idle:
                chore.run(held)
        self.has_news = False
        self._plan_next(began, time.monotonic())

    def _plan_next(self, began: float, ended: float) -> None:
        self._rests_until = ended + REST * (ended - began)
        pause = self._pause(ended)
        wanted_at = min(chore.due_at for chore in self._chores)
        next_at = min(began + pause, wanted_at)
        self.due_at = max(self._rests_until, began + SWEEP_SECONDS, next_at)
        may_be_earlier = pause > SWEEP_SECONDS and self.due_at < wanted_at
        self._leeway = pause / 10 if may_be_earlier else 0.0

    def _pause(self, now: float) -> float:
        """Seconds from one regular sweep to the next."""
        if now < self._hurries_until or not self._exits_are_reported:
            return SWEEP_SECONDS
        return min(SLOW_SECONDS, conf.knobs().lease / 6)
