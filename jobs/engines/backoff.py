"""How a worker behaves while its database is locked or unreachable."""

from __future__ import annotations

import logging
import time

from .. import database, workers
from ..database import Outage

logger = logging.getLogger("truestep.engines.backoff")

LOCK_TIMEOUT_SECONDS = 1.0  # for each write: the loop must not stall
FIRST_PAUSE_SECONDS = 0.1  # after the database could not be used: maybe only a session ended
PAUSE_SECONDS = 1.0  # at most; each pause of an outage is twice as long as the last one
LOCKED_TIMEOUT_SECONDS = 0.05  # these two instead while a lock is held
LOCKED_PAUSE_SECONDS = 0.2
CALM_SECONDS = 2.0  # without an error, after which the usual lock timeout returns


class Backoff:
    """Pauses database work after an error, and logs each cause once.

    A lock may be held for long. It is tried often then and with a short lock timeout, because the
    worker has to stop steps in time.
    """

    def __init__(self) -> None:
        self._until = 0.0  # monotonic seconds
        self._next_pause = FIRST_PAUSE_SECONDS
        self._logged = ""

    def begin(self) -> None:
        database.set_lock_timeout(LOCK_TIMEOUT_SECONDS)

    @property
    def until(self) -> float:
        """When the database is tried again, in monotonic seconds."""
        return self._until

    @property
    def is_active(self) -> bool:
        """Whether the database must not be used now."""
        return time.monotonic() < self._until

    def start(self, error: Exception) -> float:
        """Pause after this error; return for how many seconds."""
        is_locked = database.outage_of(error) is Outage.BUSY
        if is_locked:
            workers.restart_row_leases()
            database.set_lock_timeout(LOCKED_TIMEOUT_SECONDS)
        if (text := database.explain(error)) != self._logged:
            logger.warning("The worker tries again: %s", text)
        self._logged = text
        pause = LOCKED_PAUSE_SECONDS
        if not is_locked:
            pause = self._next_pause
            self._next_pause = min(pause * 2, PAUSE_SECONDS)
        self._until = time.monotonic() + pause
        return pause

    def extend(self) -> None:
        """There was an error that needs no pause, but all is not well yet."""
        self._until = time.monotonic()

    def succeeded(self) -> None:
        """The database could be used; return to the usual lock timeout after a while."""
        self._next_pause = FIRST_PAUSE_SECONDS
        if self._logged and time.monotonic() > self._until + CALM_SECONDS:
            logger.warning("The database can be used again.")
            database.set_lock_timeout(LOCK_TIMEOUT_SECONDS)
            self._logged = ""
