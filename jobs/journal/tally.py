"""A job's steps by status, and those that may start, without going through all of them.

A job's state is remembered between moves, and a move changes a few of its steps. Each changed step
is noted here; a question to the tally costs the same in a job of ten thousand steps.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from ..models import Step
from ..statuses import TERMINAL

Rank = tuple[int, int]  # position and id


class Tally:
    """Knows the steps as they were noted last."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._counts: Counter[str] = Counter()
        self._counted: dict[int, str] = {}  # step → the status as which it is counted
        # By queue and in order, without those that wait for their retry time.
        self._free: dict[str, list[Rank]] = defaultdict(list)
        self._pausing: list[tuple[datetime, Rank]] = []  # a heap of those
        self._steps: dict[int, Step] = {}
        for step in steps:
            self.note(step)

    def note(self, step: Step) -> None:
        """Count the step by its current status."""
        self._steps[step.pk] = step
        self._count(step)
        is_free = step.is_free
        if is_free and step.not_before is not None:
            heapq.heappush(self._pausing, (step.not_before, (step.position, step.pk)))
        self._list(step, is_free and step.not_before is None)

    @property
    def statuses(self) -> set[str]:
        """The statuses that steps of the job have."""
        return {status for status, count in self._counts.items() if count}

    @property
    def unended(self) -> int:
        """How many steps of the job may still change without a person's retry."""
        return sum(count for status, count in self._counts.items() if status not in TERMINAL)

    def startable(self, now: datetime, serves: Callable[[str], bool]) -> Iterator[Step]:
        """The steps that may start at this moment, in the order of the definition.

        Only those of the queues that somebody *serves*.
        """
        while self._pausing and self._pausing[0][0] <= now:
            not_before, (_, pk) = heapq.heappop(self._pausing)
            step = self._steps[pk]
            if step.not_before == not_before:  # else it has changed since it was put there
                self._list(step, True)
        served = [ranks for queue, ranks in self._free.items() if ranks and serves(queue)]
        for _, pk in heapq.merge(*served):
            step = self._steps[pk]
            if step.is_due(now):  # else a clock was set back
                yield step

    def queues(self, now: datetime) -> set[str]:
        """The queues of these steps."""
        names = list(self._free)
        return {name for name in names if any(True for _ in self.startable(now, name.__eq__))}

    def _count(self, step: Step) -> None:
        before = self._counted.get(step.pk)
        if before != step.status:
            if before is not None:
                self._counts[before] -= 1
            self._counts[step.status] += 1
            self._counted[step.pk] = step.status

    def _list(self, step: Step, is_free: bool) -> None:
        free, rank = self._free[step.queue], (step.position, step.pk)
        at = bisect_left(free, rank)
        is_listed = free[at : at + 1] == [rank]
        if is_free and not is_listed:
            insort(free, rank)
        elif is_listed and not is_free:
            del free[at]
