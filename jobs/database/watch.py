"""Tells a thread that somebody has committed, and lets it sleep until then.

PostgreSQL notifies its listeners. SQLite notifies nobody, but the kernel reports writes to its
files; ``PRAGMA data_version`` then says whether one of them was a commit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import time
from abc import ABC, abstractmethod
from typing import Any

from ..system import inotify
from . import NEWS, follow_file
from .routing import connection, connection_aside

logger = logging.getLogger("truestep.database.watch")

LOOK_SECONDS = 5.0  # the longest time between two looks when nothing is reported
POLL_SECONDS = 0.01  # the same where the kernel cannot report anything
RETRY_SECONDS = 1.0  # from a failure to listen to the next try
LEEWAY = 0.5  # of a long wait: a thread that is awake looks that much earlier
SOON_SECONDS = 0.001  # from a reported write to the first look; then twice as long each time
LATER_SECONDS = 0.05  # from a report that a writer is done to the second look
RARE_SECONDS = 1.0  # from one's own commit to the second look, which hardly ever finds anything
BURST, RATE = 10, 40.0  # wake-ups at once and per second: at most 50 within any second


def watch_commits() -> CommitWatch:
    """A watch for the calling thread, on whatever database there is."""
    return _FileWatch() if connection.vendor == "sqlite" else _Listener()


class CommitWatch(ABC):
    """Wait until ``fileno()`` is readable, ``pause`` seconds at most, then call ``changed()``.

    However many commits there are, waiting this way ends at most 50 times a second.
    """

    def __init__(self) -> None:
        self._reports = selectors.EpollSelector()  # one descriptor, whatever is behind it
        self._source: int | None = None
        self._allowance = _Allowance()
        self._muted_until: float | None = None
        self._due = 0.0  # when to look even if nothing is reported, in monotonic seconds
        self._leeway = 0.0  # or so many seconds earlier, when the thread is awake anyway

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
            self._hear()
        is_due = time.monotonic() >= self._due - self._leeway
        changed = is_due and self._look()
        if self._source is not None and (is_reported or is_due):
            self._count_wake_up()
        return changed

    def wrote(self) -> None:  # noqa: B027  (only files tell of one's own commits)
        """The thread itself has just committed, on another connection than it looks with."""

    def rest(self, seconds: float) -> None:
        """Report nothing for so long: the database cannot be used."""
        if self._source is not None and self._muted_until is None:
            self._reports.unregister(self._source)
        self._muted_until = time.monotonic() + seconds

    def close(self) -> None:
        """Let go of everything that the watch holds open."""
        self._report(None)
        self._reports.close()

    @abstractmethod
    def _hear(self) -> None:
        """Take in what is reported, and set when to look."""

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
            self.rest(seconds)


class _Allowance:
    """BURST at once, RATE a second from then on."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._counted_at = time.monotonic()

    def spend(self) -> float:
        """Take one; the seconds until there is another."""
        now = time.monotonic()
        self._left = min(BURST, self._left + (now - self._counted_at) * RATE) - 1
        self._counted_at = now
        return max(0.0, 1 - self._left) / RATE


class _FileWatch(CommitWatch):
    """SQLite: after a reported write it looks, at growing steps, whether that becomes a commit.

    The kernel reports a write mostly some milliseconds before its commit can be seen, and also
    pages of transactions that go on. ``PRAGMA data_version`` changes when another connection has
    committed. Truestep's own writers close their ticket after COMMIT: that is reported, too, and is
    the moment to look.
    """

    def __init__(self) -> None:
        super().__init__()
        self._version: Any = None  # of the connection, as of the last look
        self._kernel: inotify.Inotify | None = None
        self._step = 0.0  # from the next look to the one after
        self._begin()

    def close(self) -> None:
        super().close()
        if self._kernel:
            self._kernel.close()
        connection.close()

    def wrote(self) -> None:
        """One look is enough: SQLite has one writer at a time, so that whatever was reported before
        is this commit, or is complete.
        """
        if self._muted_until is None and self._reports.select(0):
            self._hear()
        self._look_at(time.monotonic(), RARE_SECONDS)

    def _begin(self) -> None:
        """Have the kernel report on the files that are there now, or poll."""
        self._report(None)
        if self._kernel:
            self._kernel.close()
        self._kernel = None
        self._due, self._step = 0.0, 2 * SOON_SECONDS
        if connection.is_in_memory_db():  # type: ignore[attr-defined]
            return
        path = os.path.realpath(connection.settings_dict["NAME"])
        try:
            self._kernel = inotify.Inotify()
            self._watch_files(self._kernel, path)
        except OSError as error:
            _say_that_it_polls(path, error)
        else:
            self._report(self._kernel.fileno())

    def _watch_files(self, kernel: inotify.Inotify, path: str) -> None:
        """Only the database's own files: others beside them may be busy. Their folder tells when
        one of them is made again.
        """
        folder, name = os.path.split(path)
        self._names = {name + suffix for suffix in _FILES}
        self._folder = kernel.add(folder, inotify.CREATE | inotify.MOVED_TO | inotify.DELETE)
        self._ticket = -1
        for suffix, mask in _FILES.items():
            with contextlib.suppress(FileNotFoundError):
                watch = kernel.add(path + suffix, mask)
                if suffix == "-ticket":
                    self._ticket = watch

    def _look(self) -> bool:
        self._plan()
        if follow_file():
            self._begin()
        with connection.cursor() as cursor:
            number = cursor.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, (connection.connection, number)
        return bool(self._version != before)

    def _plan(self) -> None:
        wait = POLL_SECONDS if self._source is None else min(self._step, LOOK_SECONDS)
        self._due = time.monotonic() + wait
        self._leeway = LEEWAY * wait if wait >= RARE_SECONDS else 0.0
        self._step = 2 * wait

    def _hear(self) -> None:
        assert self._kernel
        for watch, mask, name in self._kernel.events():
            if watch == self._folder and (name in self._names or mask & inotify.IGNORED):
                self._begin()
                return
            if watch == self._ticket or mask & inotify.OVERFLOW:
                self._look_at(time.monotonic(), LATER_SECONDS)
            elif watch != self._folder:
                soon = min(self._due, time.monotonic() + SOON_SECONDS)
                self._look_at(soon, 2 * SOON_SECONDS)

    def _look_at(self, due: float, step: float) -> None:
        """Something is reported: look then, and after each step from there."""
        self._due, self._step, self._leeway = due, step, 0.0


_FILES = {
    "": inotify.MODIFY,
    "-wal": inotify.MODIFY,
    "-journal": inotify.MODIFY,
    "-ticket": inotify.CLOSE_WRITE,
}
_polls = False


def _say_that_it_polls(path: str, error: OSError) -> None:
    """Once in a process."""
    global _polls
    if not _polls:
        logger.warning(
            "The kernel reports no writes to %s (%s); this process looks at the database every "
            "%d ms instead, which costs some percent of a core. If too many files are open or no "
            "space is left, raise fs.inotify.max_user_instances or fs.inotify.max_user_watches and "
            "start it again.",
            path,
            error.strerror,
            POLL_SECONDS * 1000,
        )
    _polls = True


class _Listener(CommitWatch):
    """PostgreSQL: a trigger notifies at every commit that concerns jobs; this listens, on a
    connection of its own.

    While it cannot listen, it says "changed" once a second: the caller looks for itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._listening: Any = None

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hear(self) -> None:
        self._due = time.monotonic()

    def _look(self) -> bool:
        if self._listening is None:
            self._due, self._leeway = time.monotonic() + RETRY_SECONDS, 0.0
            self._listen()
            return True
        self._due, self._leeway = time.monotonic() + LOOK_SECONDS, LEEWAY * LOOK_SECONDS
        try:
            return bool(list(self._listening.connection.notifies(timeout=0)))
        except Exception:
            self._hang_up()
            self._due = time.monotonic()
            return True

    def _listen(self) -> None:
        watch = connection_aside()
        try:
            with watch.cursor() as cursor:
                cursor.execute(f"LISTEN {NEWS}")
        except Exception:
            watch.close()
        else:
            self._listening = watch
            self._report(watch.connection.fileno())

    def _hang_up(self) -> None:
        self._report(None)
        if self._listening is not None:
            self._listening.close()
            self._listening = None
