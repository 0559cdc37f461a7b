"""Orders: what people decide that concerns no single job, written with the row that it changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError

from .. import crashpoints, database, definitions, intents
from ..codes import Fact, OrderCode
from ..models import Order, Queue, Worker
from ..statuses import Wanted

TRIES = 10  # while other orders take the next number
ORDERS = {
    Wanted.WORK: OrderCode.WORKER_RESUMED,
    Wanted.DRAIN: OrderCode.WORKER_DRAINED,
    Wanted.STOP: OrderCode.WORKER_STOPPED,
}


def set_paused(
    queue: str, is_paused: bool, *, why: str | None, actor: str, source: str, intent: str = ""
) -> bool:
    """Pause or resume a queue; whether that changed it."""
    code = OrderCode.QUEUE_PAUSED if is_paused else OrderCode.QUEUE_RESUMED
    with _transaction():
        Queue.objects.bulk_create([Queue(name=queue)], ignore_conflicts=True)
        row = Queue.objects.select_for_update().get(name=queue)
        is_change = row.is_paused != is_paused
        if is_change:
            row.is_paused = is_paused
            row.order = _next_order(Fact(code, {"queue": queue}).but(why=why), actor, source)
            row.save()
        if intent:
            intents.record(intent, is_change)
    return is_change


def set_wanted(
    worker_id: int, wanted: Wanted, *, why: str | None, actor: str, source: str, intent: str = ""
) -> bool:
    """Say what a worker is to do; whether that changed it. Raises Worker.DoesNotExist."""
    with _transaction():
        row = Worker.objects.select_for_update().get(pk=worker_id)
        is_change = row.wanted != wanted and row.wanted != Wanted.STOP and row.stopped_at is None
        if is_change:
            fact = Fact(ORDERS[wanted], {"worker": str(row), "worker_id": row.pk}).but(why=why)
            row.wanted, row.order = wanted, _next_order(fact, actor, source)
            row.save(update_fields=["wanted", "order"])
        if intent:
            intents.record(intent, is_change)
    return is_change


def create_queues() -> None:
    """A row for each queue of a definition. Run after each ``migrate``."""
    if Queue._meta.db_table not in database.connection.introspection.table_names():
        return  # migrated back to an older release
    rows = [Queue(name=name) for name in definitions.queues()]
    Queue.objects.bulk_create(rows, ignore_conflicts=True)


@contextmanager
def _transaction() -> Iterator[None]:
    crashpoints.reach("order.before_begin")
    with database.write():
        yield
        crashpoints.reach("order.before_commit")
    crashpoints.reach("order.after_commit")


def _next_order(fact: Fact, actor: str, source: str) -> Order:
    """Write an order under the next number; whoever was faster has that one."""
    for _ in range(TRIES):
        last = Order.objects.order_by("-number").values_list("number", flat=True).first()
        try:
            with database.atomic():
                return Order.objects.create(
                    number=(last or 0) + 1,
                    code=fact.code,
                    data=dict(fact.data),
                    actor=actor,
                    source=source,
                    reason=fact.reason,
                )
        except IntegrityError as error:
            taken = error
    raise taken
