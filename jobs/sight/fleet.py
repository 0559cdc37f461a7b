"""Queues and workers as people see them, and the window of the page that shows both."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from .. import database, definitions, workers
from ..models import Attempt, Order, Worker
from ..queues import as_text
from ..sentences import Sentence, sentence
from ..statuses import Status, Wanted
from ..text import isolated
from .job_list import Content
from .queues import paused_by, paused_sentence, running_attempts, slots_for, with_reason

MOST_COUNTED = 1000  # ready steps of a queue; to count on would take as long as the queue is
_READY = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM truestep_step
        WHERE (queue, status, waiting) = (%s, '{Status.PENDING}', 0) LIMIT {MOST_COUNTED + 1}
    ) AS ready
"""


@dataclass(frozen=True)
class QueueFacts:
    """A queue, and what serves it."""

    name: str
    ready: int  # steps that wait for a slot, at most MOST_COUNTED + 1
    running: int
    slots: int
    workers: int
    paused: Sentence  # empty unless it is paused
    is_named: bool  # by a definition, a worker or an order: not only by old steps

    @property
    def state(self) -> str:
        """In a word: paused, unserved (although steps wait) or open."""
        if self.paused:
            return "paused"
        return "unserved" if self.ready and not self.workers else "open"

    @property
    def ready_text(self) -> str:
        return f"{MOST_COUNTED:,}+" if self.ready > MOST_COUNTED else f"{self.ready:,}"


@dataclass(frozen=True)
class WorkerFacts:
    """A living worker, and the steps that it runs."""

    worker: Worker
    state: str  # working, draining, drained, stopping, silent
    heard: datetime
    running: Sequence[Attempt]
    order: Order | None  # why it does not work

    @property
    def why(self) -> Sentence:
        """Since when it is silent, or by whom, since when and why it does not work."""
        if self.state == "silent":
            return sentence(_("no heartbeat since {at}"), at=self.heard)
        if self.order is None:
            return []
        said = sentence(
            _("by {who} at {at}"), who=isolated(self.order.actor) or _("somebody"), at=self.order.at
        )
        return with_reason(said, self.order)

    @property
    def queues(self) -> str:
        return as_text(self.worker.queues)


@dataclass(frozen=True)
class Fleet:
    """All queues and all living workers, from one snapshot."""

    queues: Sequence[QueueFacts]
    workers: Sequence[WorkerFacts]

    @cached_property
    def content(self) -> Content:
        """Its mark does not change with each heartbeat: the page shows them only when they end."""
        shown = [
            (each.worker.pk, each.state, each.queues, [run.pk for run in each.running])
            for each in self.workers
        ]
        mark = hashlib.sha256(repr((self.queues, shown)).encode()).hexdigest()[:16]
        return Content(mark, {})


@dataclass(frozen=True)
class FleetWindow:
    """The page of queues and workers. Every page shows the same."""

    cells_show_all = False

    def read(self) -> Content:
        return read_fleet().content


def read_fleet() -> Fleet:
    """Queues and workers as they are now."""
    with database.snapshot():
        living = sorted(workers.living(), key=lambda worker: worker.pk)
        running = _running()
        return Fleet(_queues(living, running), [_worker(each, running) for each in living])


def read_queues() -> Sequence[QueueFacts]:
    """Only the queues."""
    with database.snapshot():
        return _queues(workers.living(), _running())


def _running() -> dict[int | None, list[Attempt]]:
    """The running attempts by worker."""
    current = running_attempts()
    found = defaultdict(list)
    for attempt in current.select_related("step__job").defer("result", "traceback").order_by("pk"):
        found[attempt.worker_id].append(attempt)
    return found


def _queues(
    living: Sequence[Worker], running: Mapping[int | None, Sequence[Attempt]]
) -> list[QueueFacts]:
    paused, names = paused_by(), workers.queue_names()
    counts = dict.fromkeys(names, 0)
    for attempt in (attempt for attempts in running.values() for attempt in attempts):
        counts[attempt.step.queue] += 1
    return [_queue(name, counts[name], living, paused.get(name)) for name in names]


def _queue(name: str, running: int, living: Sequence[Worker], paused: Order | None) -> QueueFacts:
    serving = [
        worker
        for worker in living
        if worker.only_job_id is None
        and worker.wanted == Wanted.WORK
        and workers.serves(worker, name)
    ]
    [(ready,)] = database.rows(_READY, name)
    return QueueFacts(
        name=name,
        ready=ready,
        running=running,
        slots=sum(slots_for(name, each) for each in serving),
        workers=len(serving),
        paused=paused_sentence(name, paused) if paused else [],
        is_named=bool(paused)
        or name in definitions.queues()
        or any(name in worker.queues for worker in living),
    )


def _worker(worker: Worker, running: Mapping[int | None, Sequence[Attempt]]) -> WorkerFacts:
    its = running.get(worker.pk, ())
    return WorkerFacts(
        worker=worker,
        state=_state(worker, bool(its)),
        heard=workers.last_heartbeat(worker),
        running=its,
        order=worker.order if worker.wanted != Wanted.WORK else None,
    )


def _state(worker: Worker, is_running: bool) -> str:
    if workers.is_late(worker):
        return "silent"
    if worker.wanted == Wanted.STOP:
        return "stopping"
    if worker.wanted == Wanted.DRAIN:
        return "draining" if is_running else "drained"
    return "working"
