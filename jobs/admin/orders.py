"""Queues, workers and the orders about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from .. import database, keys, orchestrator, permissions, responses, workers
from ..exceptions import InsideTransaction, KeyRefused
from ..models import Order, Queue, Worker
from ..queues import as_text
from ..statuses import Wanted
from ..templatetags.truestep import moment
from .lists import MOST_LISTED
from .readonly import ReadOnlyAdmin, moment_of

Give = Callable[..., bool]  # an order: with who, where and the intent; whether it changed anything


class OrderedAdmin(ReadOnlyAdmin):
    """A list with actions that give an order about each chosen row."""

    def has_control_permission(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    def _order_each(
        self, request: HttpRequest, action: str, rows: QuerySet[Any], give: Callable[[Any], Give]
    ) -> HttpResponse | None:
        done: list[Model] = []
        same: list[Model] = []
        for row in list(rows.order_by("pk")[:MOST_LISTED]):
            try:
                intent = keys.intent_of(request, action, self.opts.model_name, row.pk)
                changed = give(row)(actor=request.user, source="admin", once=intent)
            except KeyRefused as error:
                return responses.ask_again(request, f"{action} selected".capitalize(), str(error))
            except (*database.DATABASE_ERRORS, InsideTransaction) as error:
                text = f"Stopped at {row}: {database.explain(error)}"
                self.message_user(request, text, messages.ERROR)
                return None
            (done if changed else same).append(row)
        if done:
            text = f"Ordered to {action}: {', '.join(map(str, done))}."
            self.message_user(request, text, messages.SUCCESS)
        if same:
            text = f"Nothing to do for {', '.join(map(str, same))}."
            self.message_user(request, text, messages.WARNING)
        return None


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("number", "given", "actor", "words")
    given = moment_of("at")
    moments: ClassVar = {"at": "given"}

    @admin.display(description="what it says")
    def words(self, order: Order) -> str:
        return order.words


@admin.register(Queue)
class QueueAdmin(OrderedAdmin):
    list_display = ("name", "is_paused", "order")
    list_select_related = ("order",)
    actions = ("pause", "resume")

    def has_control_permission(self, request: HttpRequest) -> bool:
        return permissions.may(request.user, permissions.QUEUES)

    @admin.action(description="Pause selected queues", permissions=["control"])
    def pause(self, request: HttpRequest, rows: QuerySet[Queue]) -> HttpResponse | None:
        return self._order_each(
            request, "pause", rows, lambda row: _about(orchestrator.pause_queue, row.name)
        )

    @admin.action(description="Resume selected queues", permissions=["control"])
    def resume(self, request: HttpRequest, rows: QuerySet[Queue]) -> HttpResponse | None:
        return self._order_each(
            request, "resume", rows, lambda row: _about(orchestrator.resume_queue, row.name)
        )


@admin.register(Worker)
class WorkerAdmin(OrderedAdmin):
    list_display = (
        *("id", "host", "pid", "slots", "served", "code_version"),
        *("wanted", "heard", "started", "stopped"),
    )
    actions = ("drain", "resume", "stop")
    beat, started, stopped = moment_of("beat_at"), moment_of("started_at"), moment_of("stopped_at")
    moments: ClassVar = {"beat_at": "beat", "started_at": "started", "stopped_at": "stopped"}

    def has_control_permission(self, request: HttpRequest) -> bool:
        return permissions.may(request.user, permissions.WORKERS)

    @admin.action(description="Drain selected workers", permissions=["control"])
    def drain(self, request: HttpRequest, rows: QuerySet[Worker]) -> HttpResponse | None:
        return self._order_each(request, "drain", rows, _wanting(Wanted.DRAIN))

    @admin.action(description="Let selected workers work again", permissions=["control"])
    def resume(self, request: HttpRequest, rows: QuerySet[Worker]) -> HttpResponse | None:
        return self._order_each(request, "work again", rows, _wanting(Wanted.WORK))

    @admin.action(description="Stop selected workers", permissions=["control"])
    def stop(self, request: HttpRequest, rows: QuerySet[Worker]) -> HttpResponse | None:
        return self._order_each(request, "stop", rows, _wanting(Wanted.STOP))

    @admin.display(description="queues")
    def served(self, worker: Worker) -> str:
        return as_text(worker.queues) or "every queue"

    @admin.display(description="last heartbeat")
    def heard(self, worker: Worker) -> SafeString | str:
        """Its row may lag behind: the lock file of a worker of this host is more exact."""
        return moment(workers.last_heartbeat(worker))


def _about(give: Give, *subject: Any) -> Give:
    return lambda **by: give(*subject, **by)


def _wanting(wanted: Wanted) -> Callable[[Worker], Give]:
    return lambda worker: _about(orchestrator.order_worker, worker.pk, wanted)
