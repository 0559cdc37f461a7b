"""How long steps wait for a worker."""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from ..models import Step, Transition, ready_steps

MOST_READ = 1000  # ready steps, in the order in which workers take them


def oldest_ready_seconds() -> float | None:
    """For how long the oldest step that is ready to run has waited; None when there is none.

    Of the MOST_READ steps that are next in line; those of paused queues are not ready.
    """
    now = timezone.now()
    since = [moment for moment in _ready_since() if moment]
    return max(0.0, (now - min(since)).total_seconds()) if since else None


def _ready_since() -> list[datetime]:
    """When each step became ready: by its last journal entry, or at the end of its pause."""
    ready = [step.pk for step in ready_steps(MOST_READ).steps]
    last = Transition.objects.filter(job=OuterRef("job"), seq=OuterRef("seq"))
    found = Step.objects.filter(pk__in=ready).annotate(at=Subquery(last.values("at")))
    return [max(at, pause or at) for at, pause in found.values_list("at", "not_before") if at]
