"""Orders, replayed: their numbers have no gap, and each queue is as the last one about it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import database
from ..codes import OrderCode
from ..journal import ORDERS
from ..models import Order, Queue, Worker
from ..statuses import Wanted


def problems() -> Iterator[str]:
    with database.snapshot():
        orders = list(Order.objects.order_by("number"))
        queues = {queue.name: queue for queue in Queue.objects.all()}
    numbers = [order.number for order in orders]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"orders are numbered {numbers[:5]}… to {numbers[-1:]}, not 1 to {len(numbers)}"
    last: dict[str, Order] = {}
    for order in orders:
        if order.code in (OrderCode.QUEUE_PAUSED, OrderCode.QUEUE_RESUMED):
            yield from _queue_order(order, last)
            last[order.data["queue"]] = order
    for name in sorted(queues.keys() | last.keys()):
        yield from _queue(name, queues.get(name), last.get(name))
    yield from _workers(orders)


def _queue_order(order: Order, last: dict[str, Order]) -> Iterator[str]:
    before = last.get(order.data["queue"])
    was_paused = before is not None and before.code == OrderCode.QUEUE_PAUSED
    if was_paused == (order.code == OrderCode.QUEUE_PAUSED):
        yield f"order {order.number}: the queue {order.data['queue']} was so already"


def _queue(name: str, row: Queue | None, last: Order | None) -> Iterator[str]:
    if row is None:
        yield f"the queue {name} has orders and no row"
        return
    number = last and last.number
    if row.order_id != number:
        yield f"the queue {name} names order {row.order_id}, the last one about it is {number}"
    if row.is_paused != (last is not None and last.code == OrderCode.QUEUE_PAUSED):
        now = "paused" if row.is_paused else "not paused"
        yield f"the queue {name} is {now}, the last order about it says {last and last.reason!r}"


def _workers(orders: Iterable[Order]) -> Iterator[str]:
    last = {order.data["worker_id"]: order for order in orders if order.code in ORDERS.values()}
    for worker in Worker.objects.exclude(order=None, wanted=Wanted.WORK):
        order = last.get(worker.pk)
        if order is None or worker.order_id != order.number:
            yield f"the worker {worker} names order {worker.order_id}, not the last one about it"
        elif order.code != ORDERS[Wanted(worker.wanted)]:
            yield f"the worker {worker} is to {worker.wanted}, order {order.number} says otherwise"
