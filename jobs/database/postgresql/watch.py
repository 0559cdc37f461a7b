"""Listens for the notifications that triggers send with commits."""

from __future__ import annotations

import time

from django.db.backends.base.base import BaseDatabaseWrapper

from ..commits import LEEWAY, LOOK_SECONDS, CommitWatch
from ..routing import separate_connection
from .triggers import NEWS, WORK

RETRY_SECONDS = 1.0  # from a failure to listen to the next try


class Listener(CommitWatch):
    """Listens on a separate connection.

    While it cannot listen, or may not because of a pooler, it says "changed" once a second, so that
    its owner looks at the rows.
    """

    def __init__(self, wake_ups: int, *, of_work: bool, may_listen: bool) -> None:
        super().__init__(wake_ups)
        self._channel = WORK if of_work else NEWS
        self._may_listen = may_listen
        self._listening: BaseDatabaseWrapper | None = None

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _read_reports(self) -> None:
        self._due = time.monotonic()

    def _look(self) -> bool:
        if self._listening is None:
            self._due, self._leeway = time.monotonic() + RETRY_SECONDS, 0.0
            if self._may_listen:
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
        made = separate_connection()
        try:
            with made.cursor() as cursor:
                cursor.execute(f"LISTEN {self._channel}")
        except Exception:
            made.close()
        else:
            self._listening = made
            self._report(made.connection.fileno())

    def _hang_up(self) -> None:
        self._report(None)
        if self._listening is not None:
            self._listening.close()
            self._listening = None
