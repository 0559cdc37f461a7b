"""Reports immediately that a worker of this host has ended."""

from __future__ import annotations

import contextlib

from .. import conf
from ..system import inotify


class WorkerExits:
    """Readable when the last process of a worker has let go of its lock file.

    The kernel reports that a file which was open for writing is closed, just before its lock is
    free. So no process may open another worker's lock file for writing, only for reading.
    """

    def __init__(self) -> None:
        self._kernel: inotify.Inotify | None = None
        with contextlib.suppress(OSError):  # the watch for commits says what is missing
            kernel = inotify.Inotify()
            kernel.add(str(conf.run_directory()), inotify.CLOSE_WRITE)
            self._kernel = kernel

    @property
    def are_reported(self) -> bool:
        return self._kernel is not None

    def fileno(self) -> int:
        assert self._kernel
        return self._kernel.fileno()

    def occurred(self) -> bool:
        """Whether there was one since the last call."""
        return bool(self._kernel and self._kernel.events())

    def close(self) -> None:
        if self._kernel:
            self._kernel.close()
