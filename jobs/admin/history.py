"""Steps, attempts, journal entries and workers in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from .. import workers
from ..models import Attempt, Step, Transition, Worker
from ..templatetags.truestep import moment, status_cell
from ..usage import words_of
from .lists import EntryFilter
from .readonly import ReadOnlyAdmin, moment_of


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("id", "job", "name", "status_now", "attempt", "log_lines")
    list_filter = ("status",)
    list_select_related = ("job",)

    retried = moment_of("not_before")
    moments: ClassVar = {"not_before": "retried"}

    @admin.display(description="status", ordering="status")
    def status_now(self, step: Step) -> SafeString:
        return status_cell(step)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "step", "number", "verdict", "worker", "started", "ended", "used")
    list_filter = ("verdict",)
    list_select_related = ("step", "worker")
    started, ended = moment_of("started_at"), moment_of("ended_at")
    moments: ClassVar = {"started_at": "started", "ended_at": "ended", "exit_code": "used"}
    exclude = ("peak_memory", "peak_is_shared", "cpu_seconds")

    @admin.display(description="its process")
    def used(self, attempt: Attempt) -> str:
        return words_of(attempt)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Without large columns that the list does not show."""
        attempts: QuerySet[Attempt] = super().get_queryset(request)
        return attempts.defer("result", "error", "traceback", "worker__knows")


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = (
        "job",
        "seq",
        "happened",
        "kind",
        "step",
        "from_status",
        "to_status",
        "actor",
        "words",
    )
    list_filter = (EntryFilter,)
    list_select_related = ("job", "step")
    happened = moment_of("at")
    moments: ClassVar = {"at": "happened"}

    @admin.display(description="what it says")
    def words(self, entry: Transition) -> str:
        return entry.words


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("id", "host", "pid", "slots", "code_version", "heard", "started", "stopped")
    beat, started, stopped = moment_of("beat_at"), moment_of("started_at"), moment_of("stopped_at")
    moments: ClassVar = {"beat_at": "beat", "started_at": "started", "stopped_at": "stopped"}

    @admin.display(description="last heartbeat")
    def heard(self, worker: Worker) -> SafeString | str:
        """Its row may lag behind: the lock file of a worker of this host is more exact."""
        return moment(workers.last_heartbeat(worker))
