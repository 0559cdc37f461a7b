"""What queues and workers mean for steps that are ready to start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from .. import conf, workers
from ..models import Attempt, Order, Queue, Worker
from ..queues import DEFAULT_QUEUE
from ..sentences import Sentence, sentence
from ..statuses import Status
from ..text import isolated


class Slots(NamedTuple):
    """The slots of some workers that may run the steps of one queue."""

    total: int
    free: int


@dataclass(frozen=True)
class Taken:
    """How many slots of each worker run a step: in all, and by queue."""

    by_worker: Counter[int]
    by_queue: Counter[tuple[int, str]]

    def slots(self, queue: str, serving: Iterable[Worker]) -> Slots:
        """Those of the workers that serve the queue."""
        count = free = 0
        for worker in serving:
            its = slots_for(queue, worker)
            count += its
            left = worker.slots - self.by_worker[worker.pk]
            free += max(0, min(left, its - self.by_queue[worker.pk, queue]))
        return Slots(count, free)


def slots_for(queue: str, worker: Worker) -> int:
    """How many slots of a worker that serves the queue may run its steps."""
    return min(worker.slots, worker.queues.get(queue) or worker.slots)


def running_attempts() -> QuerySet[Attempt]:
    """The attempts that workers hold, by the rows."""
    return Attempt.objects.filter(
        step__status=Status.RUNNING, step__waiting=0, number=F("step__attempt")
    )


def read_taken() -> Taken:
    """Which slots are taken, by the rows of the running attempts."""
    by_queue = Counter(
        (worker_id, queue)
        for worker_id, queue in running_attempts().values_list("worker_id", "step__queue")
        if worker_id is not None
    )
    by_worker: Counter[int] = Counter()
    for (worker_id, _queue), count in by_queue.items():
        by_worker[worker_id] += count
    return Taken(by_worker, by_queue)


def paused_by() -> dict[str, Order]:
    """The paused queues, each with the order that says by whom, when and why."""
    rows = Queue.objects.filter(is_paused=True).select_related("order")
    return {row.name: row.order for row in rows if row.order}


def why_ready(
    queues: Collection[str], takers: list[Worker], *, are_drained: bool
) -> dict[str, Sentence]:
    """Why the ready steps of each queue wait, if *takers* are the workers that take their job.

    Without any, *are_drained* says whether there are workers that only do not start steps.
    """
    paused = paused_by()
    taken = read_taken() if takers else None
    none = no_worker(are_drained=are_drained)
    return {
        queue: paused_sentence(queue, paused[queue])
        if queue in paused
        else _why(queue, takers, taken)
        if taken
        else none
        for queue in queues
    }


def paused_sentence(queue: str, order: Order) -> Sentence:
    """That the queue is paused, since when, by whom and why."""
    who = isolated(order.actor) if order.actor else _("somebody")
    said = sentence(
        _("the queue {queue} is paused since {at} by {who}"), queue=queue, at=order.at, who=who
    )
    return with_reason(said, order)


def with_reason(said: Sentence, order: Order) -> Sentence:
    """A sentence about an order, with the reason that was given for it."""
    why = order.data.get("why")
    return [*said, f": {isolated(why)}"] if why else said


def no_worker(*, are_drained: bool = False) -> Sentence:
    """That no worker takes the job."""
    if are_drained:
        text = _("every worker is drained: resume one, or start another with  {command}")
    else:
        text = _("no worker is running: start one with  {command}")
    return sentence(text, command=conf.worker_command())


def _why(queue: str, takers: list[Worker], taken: Taken) -> Sentence:
    serving = [worker for worker in takers if workers.serves(worker, queue)]
    if not serving:
        return sentence(
            _("no running worker serves the queue {queue}: start one with  {command}"),
            queue=queue,
            command=f"{conf.worker_command()} --queues {queue}",
        )
    slots = taken.slots(queue, serving)
    if slots.free or queue == DEFAULT_QUEUE:
        return [_("waits for a free slot")]
    return sentence(
        _("waits for a free slot: the queue {queue} has {count}, all taken"),
        queue=queue,
        count=slots.total,
    )
