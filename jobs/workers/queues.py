"""Which queues there are."""

from __future__ import annotations

from .. import definitions
from ..models import Queue, named_queues
from ..queues import DEFAULT_QUEUE
from .liveness import living


def queue_names() -> list[str]:
    """Every queue that a definition or a step names, a worker serves, or somebody has paused.

    In alphabetical order, but the default first.
    """
    names = {*definitions.queues(), *named_queues()}
    names.update(Queue.objects.values_list("name", flat=True))
    names.update(name for worker in living() for name in worker.queues)
    return [DEFAULT_QUEUE, *sorted(names - {DEFAULT_QUEUE})]
