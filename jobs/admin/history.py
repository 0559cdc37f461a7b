"""Steps, attempts and journal entries in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ..models import Attempt, Step, Transition
from ..templatetags.truestep import status_cell
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
