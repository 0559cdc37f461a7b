"""Heeds the deadlines of jobs, also of those that no worker runs."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from django.utils import timezone

from .. import orchestrator
from ..models import Job
from ..orchestrator import Claimant
from ..statuses import UNFINISHED

MOST_LOOKED_AT = 100  # jobs in one run; the next run continues
LONGEST_PAUSE = 60.0  # seconds: somebody may set the clock


class Deadlines:
    """A chore: warns of deadlines that are near, and cancels jobs whose deadline has passed."""

    def __init__(self, claimant: Claimant) -> None:
        self.due_at = 0.0

    @property
    def is_idle(self) -> bool:
        return time.monotonic() < self.due_at

    def run(self, held: Collection[int]) -> None:
        now, pause = timezone.now(), LONGEST_PAUSE
        for job_id, due_at in self._next():
            seconds = (due_at - now).total_seconds()
            if seconds > 0:
                pause = min(pause, seconds)
                break
            orchestrator.heed_deadline(job_id)
            pause = 0.0  # its deadline comes next, or there are more
        self.due_at = time.monotonic() + pause

    def _next(self) -> Iterable[tuple[int, Any]]:
        unfinished = Job.objects.filter(due_at__isnull=False, status__in=UNFINISHED)
        return unfinished.order_by("due_at").values_list("pk", "due_at")[:MOST_LOOKED_AT]
