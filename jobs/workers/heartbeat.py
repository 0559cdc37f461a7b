"""When a worker sends its heartbeats, and how it notices that it was declared dead."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .. import conf, database
from ..database import Outage
from .registration import Registration

EARLY = 0.1  # of the interval: a worker that is awake anyway sends its heartbeat so much earlier
RETRY_SECONDS = 0.2  # until the next try in the row, when that is locked
CHECK_SECONDS = 0.4  # between two checks whether the database still knows this worker


class Heartbeat:
    """Sends a registered worker's heartbeats: to this host, and in its row to other hosts.

    *pass_on* is called with each heartbeat for this host. Moments are monotonic seconds.
    """

    def __init__(self, registration: Registration, pass_on: Callable[[], None]) -> None:
        self._registration = registration
        self._pass_on = pass_on
        self._next = self._next_in_row = self._next_check = 0.0

    @property
    def due_at(self) -> float:
        """When the next heartbeat for this host is due. It needs no database."""
        return self._next

    @property
    def row_due_at(self) -> float:
        """When the next heartbeat in the row is due."""
        return self._next_in_row

    def beat(self) -> None:
        """Send one to this host, if it is due; one in the row is due then, too."""
        now = time.monotonic()
        if now >= self._next - conf.knobs().beat * EARLY:
            self._registration.beat()
            self._pass_on()
            self._next = now + conf.knobs().beat
            self._next_in_row = now

    def beat_in_row(self) -> None:
        """Send one in the row.

        Raises DeclaredDead, and what the database raises. If that is a lock, it will be tried
        again soon.
        """
        now = time.monotonic()
        try:
            self._registration.beat_in_row()
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error) is not Outage.AWAY:
                self._next_in_row = now + RETRY_SECONDS
            raise
        self._next_in_row = math.inf  # until the next one for this host

    def beat_in_row_soon(self) -> None:
        """After an outage: check first whether the database still knows this worker."""
        self._next_in_row = 0.0

    def check(self, *, is_urgent: bool = False) -> None:
        """Raise DeclaredDead when the database does not know this worker any more.

        Asks it at most every CHECK_SECONDS, unless it *is_urgent*.
        """
        now = time.monotonic()
        if is_urgent or now >= self._next_check:
            self._registration.check()
            self._next_check = now + CHECK_SECONDS
