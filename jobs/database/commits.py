"""Tells a thread that another connection has committed, and lets it sleep until then."""

from __future__ import annotations

import selectors
import time
from abc import ABC, abstractmethod

LOOK_SECONDS = 5.0  # the longest time between two looks when nothing is reported
LEEWAY = 0.5  # of a long wait: a thread that is awake looks that much earlier
WAKE_UPS = 50  # in any second, unless the owner of a watch says otherwise


class CommitWatch(ABC):
    """Wait until ``fileno()`` is readable, ``pause`` seconds at most, then call ``changed()``.

    However many commits there are, such a wait ends at most *wake_ups* times within any second.
    """

    def __init__(self, wake_ups: int) -> None:
        self._reports = selectors.EpollSelector()  # one descriptor, whatever is behind it
        self._source: int | None = None
        self._allowance = _Allowance(wake_ups)
        self._muted_until: float | None = None
        self._due = 0.0  # when to look even if nothing is reported, in monotonic seconds
        self._leeway = 0.0  # seconds by which it may look earlier, when the thread is awake

    def fileno(self) -> int:
        return self._reports.fileno()

    @property
    def pause(self) -> float:
        """For how many seconds there is no need to look, unless something is reported."""
        due = self._due if self._muted_until is None else self._muted_until
        return max(0.0, due - time.monotonic())

    def changed(self) -> bool:
        """True at the first look, and whenever there may be something new."""
        if self._muted_until is not None:
            if time.monotonic() < self._muted_until:
                return False
            self._muted_until = None
            self._register()
        is_reported = bool(self._reports.select(0))
        if is_reported:
            self._read_reports()
        is_due = time.monotonic() >= self._due - self._leeway
        changed = is_due and self._look()
        if self._source is not None and (is_reported or is_due):
            self._count_wake_up()
        return changed

    def wrote(self) -> None:  # noqa: B027  (only files report this process's own commits)
        """The thread has just committed, on another connection than it looks with."""

    def mute(self, seconds: float) -> None:
        """Report nothing for so long: the database cannot be used."""
        if self._source is not None and self._muted_until is None:
            self._reports.unregister(self._source)
        self._muted_until = time.monotonic() + seconds

    def close(self) -> None:
        """Close everything that the watch holds open."""
        self._report(None)
        self._reports.close()

    @abstractmethod
    def _read_reports(self) -> None:
        """Read what is reported, and set when to look."""

    @abstractmethod
    def _look(self) -> bool:
        """Whether there may be something new. Sets when to look again."""

    def _report(self, source: int | None) -> None:
        """From now on ``fileno()`` is readable when *source* is."""
        if self._source is not None and self._muted_until is None:
            self._reports.unregister(self._source)
        self._source, self._muted_until = source, None
        self._register()

    def _register(self) -> None:
        if self._source is not None:
            self._reports.register(self._source, selectors.EVENT_READ)

    def _count_wake_up(self) -> None:
        """After too many, ``fileno()`` stays silent until the next one is allowed."""
        if seconds := self._allowance.spend():
            self.mute(seconds)


class _Allowance:
    """A fifth of a second's wake-ups at once, then the rest a second: never more in any second."""

    def __init__(self, wake_ups: int) -> None:
        self._most = self._left = wake_ups / 5
        self._rate = wake_ups - self._most
        self._counted_at = time.monotonic()

    def spend(self) -> float:
        """Take one; the seconds until there is another."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._counted_at) * self._rate) - 1
        self._counted_at = now
        return max(0.0, 1 - self._left) / self._rate
