"""Numbers that a process counts while it lives: they only grow."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence


class Tally:
    """How often something has happened. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        with self._lock:
            self.count += 1


class Histogram:
    """How many values are at most as high as each bound, as Prometheus counts them."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self._lock = threading.Lock()
        self._counts = [0] * (len(bounds) + 1)  # the last one: above all bounds
        self._total = 0.0

    def observe(self, value: float) -> None:
        self.add(bisect_left(self.bounds, value), 1, value)

    def add(self, bucket: int, count: int, total: float) -> None:
        """Add *count* values at once, which sum up to *total*: all of one bucket, from 0."""
        with self._lock:
            self._counts[bucket] += count
            self._total += total

    def read(self) -> tuple[list[int], float]:
        """For each bound, and for infinity, how many values are not above it; and their sum."""
        with self._lock:
            counts, total = list(self._counts), self._total
        return [sum(counts[: end + 1]) for end in range(len(counts))], total
