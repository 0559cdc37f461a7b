"""What a process has used, as the kernel counts it: memory and processor time.

The process itself only reads the kernel's numbers, and another one makes sense of them: in a fork,
each page that its code touches costs more than the code.
"""

from __future__ import annotations

import resource
from typing import NamedTuple

KIB = 1024
CLEAR_REFS, OWN_PEAK = "/proc/self/clear_refs", b"5"

Numbers = tuple[int, int, float, float]


def read() -> Numbers:
    """The numbers of a Reading, of this process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own[2], children[2], own[0] + own[1], children[0] + children[1]


def reset_peak() -> bool:
    """Let the peak of this process count from now on; whether that worked (Linux)."""
    try:
        with open(CLEAR_REFS, "wb", buffering=0) as file:
            file.write(OWN_PEAK)
    except OSError:
        return False
    return True


class Reading(NamedTuple):
    """What a process had used at a moment: in KiB, the most it held at a time, and in seconds."""

    peak: int = 0
    children_peak: int = 0  # of the largest that it has waited for; no one can reset it
    cpu: float = 0.0
    children_cpu: float = 0.0

    @property
    def total(self) -> float:
        return self.cpu + self.children_cpu


class Used(NamedTuple):
    """What was used between two moments."""

    peak_memory: int  # bytes: the most that one process held at a time
    peak_is_shared: bool  # it may have been reached before
    cpu_seconds: float


class Meter:
    """What a process has used, step by step."""

    def __init__(self) -> None:
        self._last = Reading()  # when its last step had ended
        self._floor = 0  # below this, its own peak cannot be seen

    def used(self, begun: Numbers, ended: Numbers, was_reset: bool) -> Used:
        """What was used in a step; *was_reset*: the process's own peak, after it."""
        before, now = Reading(*begun), Reading(*ended)
        peaks = [(now.peak, self._floor)]
        if now.children_cpu != before.children_cpu:  # it has waited for some
            peaks.append((now.children_peak, before.children_peak))
        peak, floor = max(peaks)
        self._last, self._floor = now, 0 if was_reset else now.peak
        return Used(peak * KIB, peak <= floor, now.total - before.total)

    def used_to_death(self, peak: int, cpu: float) -> Used:
        """What was used after the last step, by what ``wait4`` says of the whole life."""
        floor = max(self._floor, self._last.children_peak)
        return Used(peak * KIB, peak <= floor, max(0.0, cpu - self._last.total))


def peak_memory() -> int:
    """The most that this process has held at a time so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
