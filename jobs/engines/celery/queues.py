"""Which of Celery's queues stands for which of Truestep's: the one of the same name.

But for the default one, which is Celery's own default.
"""

from __future__ import annotations

from collections.abc import Collection

from celery import current_app

from ... import definitions
from ...queues import DEFAULT_QUEUE


def celery_queue(queue: str) -> str:
    """The Celery queue for the messages about one of Truestep's."""
    is_default = queue == DEFAULT_QUEUE
    return str(current_app.conf.task_default_queue) if is_default else queue


def step_queues(consumed: Collection[str]) -> list[str]:
    """The queues of steps that a Celery worker serves which consumes these."""
    names = {DEFAULT_QUEUE, *definitions.queues()}
    return sorted(name for name in names if celery_queue(name) in consumed)
