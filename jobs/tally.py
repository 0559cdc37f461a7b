"""A job's steps by status, and those that may start, without going through all of them.

A job's state is remembered between moves, and a move changes a few of its steps. Whatever changes a
step notes it here; what is asked of the tally costs the same in a job of ten thousand steps.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from .models import Step
from .statuses import Status

Place = tuple[int, int]  # position and id


class Tally:
    """Knows the steps as they were noted last."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._counts: Counter[str] = Counter()
        self._counted: dict[int, str] = {}  # step → the status as which it is counted
        self._startable: list[Place] = []  # in order; pending, and waiting for nothing
        self._resting: list[tuple[datetime, Place]] = []  # a heap; these wait for their retry time
        self._steps: dict[int, Step] = {}
        for step in steps:
            self.note(step)

    def note(self, step: Step) -> None:
        """Take over how the step is now."""
        self._steps[step.pk] = step
        self._count(step)
        is_startable = step.status == Status.PENDING and step.waiting == 0
        if is_startable and step.not_before is not None:
            heapq.heappush(self._resting, (step.not_before, (step.position, step.pk)))
        self._list(step, is_startable and step.not_before is None)

    @property
    def statuses(self) -> set[str]:
        """The statuses that steps of the job have."""
        return {status for status, count in self._counts.items() if count}

    def startable(self, now: datetime) -> Iterator[Step]:
        """The steps that may start at this moment, in the order of the definition."""
        while self._resting and self._resting[0][0] <= now:
            not_before, (_, pk) = heapq.heappop(self._resting)
            step = self._steps[pk]
            if step.not_before == not_before:  # else it has moved on since it was put there
                self._list(step, True)
        for _, pk in self._startable:
            step = self._steps[pk]
            if step.not_before is None or step.not_before <= now:  # a clock may be set back
                yield step

    def _count(self, step: Step) -> None:
        before = self._counted.get(step.pk)
        if before != step.status:
            if before is not None:
                self._counts[before] -= 1
            self._counts[step.status] += 1
            self._counted[step.pk] = step.status

    def _list(self, step: Step, is_startable: bool) -> None:
        place = (step.position, step.pk)
        at = bisect_left(self._startable, place)
        is_listed = self._startable[at : at + 1] == [place]
        if is_startable and not is_listed:
            insort(self._startable, place)
        elif is_listed and not is_startable:
            del self._startable[at]
