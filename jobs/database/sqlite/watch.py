"""Watches a SQLite file for commits of other connections.

SQLite notifies no one, but the kernel reports writes to its files; ``PRAGMA data_version`` then
says whether one of them was a commit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import Any

from django.db import connections

from ...system import inotify
from ..commits import LEEWAY, LOOK_SECONDS, CommitWatch
from ..routing import alias, connection
from . import file, turns

logger = logging.getLogger("truestep.database.sqlite.watch")

POLL_SECONDS = 0.01  # between two looks where the kernel cannot report anything
SOON_SECONDS = 0.004  # from a reported write to the first look; then twice as long each time
LATER_SECONDS = 0.05  # from a report that a writer is done to the second look
RARE_SECONDS = 1.0  # from this process's own commit to the second look, which seldom finds anything

_FILES = ("", "-wal", "-journal")
_polls = False


class FileWatch(CommitWatch):
    """After a reported write it looks, at growing intervals, whether that becomes a commit.

    The kernel usually reports a write some milliseconds before its commit can be seen, and also
    reports pages of open transactions. ``PRAGMA data_version`` changes when another
    connection has committed. It may also change when a writer restarts the log; that is a false
    alarm and costs one look. Truestep's own writers close their ticket after COMMIT: that is
    reported, too, and is the moment to look.

    A transaction writes many pages. So each file reports only its first write until the next look.
    """

    def __init__(self, wake_ups: int) -> None:
        super().__init__(wake_ups)
        self._version: Any = None  # of the connection, as of the last look
        self._kernel: inotify.Inotify | None = None
        self._step = 0.0  # from the next look to the one after
        self._files: dict[int, str] = {}  # the paths of those that will report, by their watch
        self._reported: list[str] = []  # … and of those that have reported since the last look
        self._begin()

    def close(self) -> None:
        super().close()
        if self._kernel:
            self._kernel.close()
        connection.close()

    def wrote(self) -> None:
        """One look is enough: SQLite has one writer at a time, so whatever was reported before is
        this commit, or is complete.
        """
        if self._muted_until is None and self._reports.select(0):
            self._read_reports()
        self._look_at(time.monotonic(), RARE_SECONDS)

    def _begin(self) -> None:
        """Have the kernel report on the files that are there now, or poll."""
        self._report(None)
        if self._kernel:
            self._kernel.close()
        self._kernel = None
        self._due, self._step = 0.0, 2 * SOON_SECONDS
        if not file.is_shared(connection):
            return
        path = os.path.realpath(connection.settings_dict["NAME"])
        try:
            self._kernel = inotify.Inotify()
            self._watch_files(self._kernel, path)
        except OSError as error:
            _warn_that_it_polls(path, error)
        else:
            self._report(self._kernel.fileno())

    def _watch_files(self, kernel: inotify.Inotify, path: str) -> None:
        """Only the database's own files: others beside them may be busy. Their folder reports when
        one of them is made again.
        """
        folder, name = os.path.split(path)
        self._names = {name + suffix for suffix in (*_FILES, turns.SUFFIX)}
        self._folder = kernel.add(folder, inotify.CREATE | inotify.MOVED_TO | inotify.DELETE)
        self._ticket = -1
        with contextlib.suppress(FileNotFoundError):
            self._ticket = kernel.add(path + turns.SUFFIX, inotify.CLOSE_WRITE)
        self._files.clear()
        self._reported = [path + suffix for suffix in _FILES]
        self._watch_again(kernel)

    def _watch_again(self, kernel: inotify.Inotify) -> None:
        """From now on each file that has reported will report its next write."""
        while self._reported:
            path = self._reported.pop()
            with contextlib.suppress(FileNotFoundError):
                self._files[kernel.add(path, inotify.MODIFY | inotify.ONESHOT)] = path

    def _look(self) -> bool:
        self._plan()
        here = connections[alias()]
        if file.follow(here):
            self._begin()
        if self._kernel:
            self._watch_again(self._kernel)  # first: what is written from here on, it may not see
        here.ensure_connection()
        with here.wrap_database_errors:  # without Django's cursor, which takes ten times as long
            number = here.connection.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, (here.connection, number)
        return bool(self._version != before)

    def _plan(self) -> None:
        wait = POLL_SECONDS if self._source is None else min(self._step, LOOK_SECONDS)
        self._due = time.monotonic() + wait
        self._leeway = LEEWAY * wait if wait >= RARE_SECONDS else 0.0
        self._step = 2 * wait

    def _read_reports(self) -> None:
        assert self._kernel
        for watch, mask, name in self._kernel.events():
            if watch == self._folder and (name in self._names or mask & inotify.IGNORED):
                self._begin()
                return
            if mask & inotify.OVERFLOW:
                self._reported += self._files.values()
            if watch == self._ticket or mask & inotify.OVERFLOW:
                self._look_at(time.monotonic(), LATER_SECONDS)
            elif path := self._files.pop(watch, None):
                self._reported.append(path)
                soon = min(self._due, time.monotonic() + SOON_SECONDS)
                self._look_at(soon, 2 * SOON_SECONDS)

    def _look_at(self, due: float, step: float) -> None:
        """Something is reported: look then, and from there after growing intervals."""
        self._due, self._step, self._leeway = due, step, 0.0


def _warn_that_it_polls(path: str, error: OSError) -> None:
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
