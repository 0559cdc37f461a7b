"""What people ask of queues and workers."""

from __future__ import annotations

from typing import Any

from .. import intents, journal, workers
from ..exceptions import UnknownQueue
from ..models import Worker
from ..statuses import Wanted
from .people import kept, name_of


def pause_queue(
    name: str, *, actor: Any = "", source: str = "python", why: str = "", once: str = ""
) -> bool:
    """Start no more steps of a queue; those that run go on.

    Returns whether this call did it: False when the queue was paused already. A second call with
    the same *once*, within a week, returns what the first did. Raises UnknownQueue.
    """
    return _set_paused(name, True, actor, source, why, once)


def resume_queue(
    name: str, *, actor: Any = "", source: str = "python", why: str = "", once: str = ""
) -> bool:
    """Let the steps of a paused queue start again. Otherwise as ``pause_queue``."""
    return _set_paused(name, False, actor, source, why, once)


def order_worker(
    worker_id: int,
    wanted: Wanted,
    *,
    actor: Any = "",
    source: str = "python",
    why: str = "",
    once: str = "",
) -> bool:
    """Have a worker drain (run what it runs, start no more), work again, or stop as after SIGTERM.

    Returns whether this call changed anything: not if the worker has ended, is to stop, or does so
    already. *once* as in ``pause_queue``. Raises Worker.DoesNotExist.
    """

    def do() -> bool:
        return journal.set_wanted(
            worker_id, wanted, why=kept(why), actor=name_of(actor), source=source, intent=once
        )

    return intents.once(once, do, bool)


def repeat_order(before: Worker, now: Worker) -> None:
    """Order the worker *now* to do what *before*, another row of the same process, was to do."""
    was = Worker.objects.filter(uuid=before.uuid).select_related("order").first()
    if was and was.order and was.wanted != Wanted.WORK:
        order = was.order
        why, wanted = order.data.get("why"), Wanted(was.wanted)
        journal.set_wanted(now.pk, wanted, why=why, actor=order.actor, source=order.source)


def _set_paused(name: str, is_paused: bool, actor: Any, source: str, why: str, once: str) -> bool:
    def do() -> bool:
        if name not in (known := workers.queue_names()):
            raise UnknownQueue(name, known)
        return journal.set_paused(
            name, is_paused, why=kept(why), actor=name_of(actor), source=source, intent=once
        )

    return intents.once(once, do, bool)
