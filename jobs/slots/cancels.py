"""Finds out which running steps have to stop because their job is cancelled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from .. import orchestrator
from ..models import Job
from ..workers.inbox import Inbox


class Cancels:
    """Calls *stop* with the ids of cancelled jobs.

    A cancel is a fact in the job's row. Where the database is locked, the request comes as a file
    instead: its steps stop first, and it is journaled as soon as the database can be written.
    """

    def __init__(self, stop: Callable[[set[int]], None]) -> None:
        self._stop = stop
        self._inbox = Inbox()

    def read_inbox(self) -> None:
        """Stop what a file asks for. It may be the step that holds the lock."""
        self._stop({request.job for request in self._inbox.read()})

    def journal_inbox(self) -> None:
        """Journal these requests.

        Do it before recording how their steps ended: only a requested step can become cancelled.
        """
        for request in self._inbox.read():
            with contextlib.suppress(Job.DoesNotExist):
                orchestrator.cancel(
                    request.job,
                    actor=request.actor,
                    source=request.source,
                    once=request.once,
                    handed_over_at=request.at,
                )
            self._inbox.remove(request)
