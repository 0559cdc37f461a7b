"""The admin: read-only history. Actions go through the orchestrator, and say what was refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.db.models import BooleanField, DateTimeField, F, Model, Q, QuerySet
from django.forms import CharField, HiddenInput
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from . import database, keys, orchestrator, permissions, responses, workers
from .admin_lists import MOST_LISTED, DefinitionFilter, EntryFilter, NewestRows
from .codes import RETRY_REFUSED, gist
from .exceptions import DatabaseBusy, InsideTransaction, KeyRefused
from .models import Attempt, Job, Step, Transition, Worker
from .sight.job_list import PAGE_SIZE, IdWindow, mark_of
from .sight.positions import ENTRIES_SHOWN
from .sight.steps import FIRST_PAGE, STEPS_SHOWN, StepRow, rows_of
from .templatetags.truestep import moment, params, status_cell, words
from .workers import inbox


class ReadOnly:
    """Rows are written by ``journal`` alone: nothing to add, change or delete here."""

    moments: ClassVar[dict[str, str]] = {}  # field → the method that shows it with its zone

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Those of the model, each moment as it is shown here."""
        names = super().get_fields(request, obj)  # type: ignore[misc]  # of ModelAdmin
        return [self.moments.get(name, name) for name in names]


class RowsAdmin(ReadOnly, admin.ModelAdmin):
    """The pages of a model. Its list is that of the newest rows, in no other order."""

    ordering = ("-id",)
    sortable_by = ()
    paginator = NewestRows
    list_per_page = PAGE_SIZE
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for url in urls:
            database.non_atomic(url.callback)
        return urls


PATIENCE_SECONDS = 5.0  # of an action that waits for locks, in all
LEAST_SECONDS = 0.2  # … and for one when that is over
CELLS = "[data-job][data-status], [data-cell]"  # what the page's script keeps true everywhere


def _live(shown: IdWindow, mark: str, *, fresh: str, morph: str) -> dict[str, str]:
    """What the page's script is told: what to watch, where to fetch it anew, what to take over."""
    return {
        "live_query": shown.query(),
        "live_mark": mark,
        "live_fresh": fresh,
        "live_morph": morph,
    }


def _cell(name: str) -> Callable[[admin.ModelAdmin[Job], Job], SafeString]:
    """A field of a job that changes while it runs."""
    field = Job._meta.get_field(name)
    is_boolean, is_moment = isinstance(field, BooleanField), isinstance(field, DateTimeField)

    @admin.display(description=name.replace("_", " "), ordering=name)
    def cell(self: admin.ModelAdmin[Job], job: Job) -> SafeString:
        value = getattr(job, name)
        shown = (is_moment and moment(value)) or display_for_value(value, "-", is_boolean)
        return format_html('<span id="job-{}-{}" data-cell>{}</span>', job.pk, name, shown)

    return cell


def _at(name: str) -> Callable[[Any, Model], SafeString | str]:
    """A moment, with its zone, and in the reader's own where the page has its script."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def at(self: Any, row: Model) -> SafeString | str:
        return moment(getattr(row, name)) or "-"

    return at


class RowsAlone(BaseInlineFormSet):
    """IdWindow to look at: Django makes a form of each, although nothing can be changed in them."""

    def initial_form_count(self) -> int:
        return 0

    def total_form_count(self) -> int:
        return 0


class StepsAlone(RowsAlone):
    """Steps as they are shown, each with why it failed."""

    @property
    def rows(self) -> list[StepRow]:
        return rows_of(list(self.get_queryset()))


class StepInline(ReadOnly, admin.TabularInline):
    model = Step
    formset = StepsAlone
    template = "admin/truestep/job/_steps.html"
    verbose_name_plural = f"steps (the first {STEPS_SHOWN}; all of them are on the job's page)"
    extra = 0
    ordering = ("position",)
    fields = ("position", "name", "status", "attempt", "waiting", "log_lines")  # … and its error
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        first = Q(position__lt=FIRST_PAGE.end)
        return super().get_queryset(request).filter(first)


class TransitionInline(ReadOnly, admin.TabularInline):
    model = Transition
    formset = RowsAlone
    template = "admin/truestep/job/_journal.html"
    verbose_name_plural = f"the newest {ENTRIES_SHOWN} entries of the journal"
    extra = 0
    ordering = ("seq",)
    fields = ("seq", "at", "kind", "step", "attempt", "from_status", "to_status", "actor", "reason")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transition]:
        newest = Q(seq__gt=F("job__seq") - ENTRIES_SHOWN)
        return super().get_queryset(request).filter(newest).select_related("step")


@admin.register(Job)
class JobAdmin(RowsAdmin):
    list_display = ("id", "definition", "status_now", "seq_now", "created", "started", "ended")
    list_filter = ("status", DefinitionFilter)
    fields = (
        "uuid",
        "definition",
        "parameters",
        ("status_now", "seq_now", "cancel_asked"),
        ("created", "started", "ended"),
        "again_of",
    )
    readonly_fields = (
        "parameters",
        "status_now",
        "seq_now",
        "cancel_asked",
        "created",
        "started",
        "ended",
    )
    inlines = (StepInline, TransitionInline)
    actions = ("cancel", "retry")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; its script keeps the status cells true, and never touches a check box."""
        if request.method == "GET" and (held := database.lock_sentence()):
            messages.warning(request, words(held))
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            assert response.context_data
            if actions := response.context_data["action_form"]:
                key = CharField(label="", widget=HiddenInput, initial=keys.key_for(request))
                actions.fields[keys.KEY] = key
            jobs = response.context_data["cl"].result_list
            if rows := sorted((job.pk, job.status, job.seq) for job in jobs):
                shown = IdWindow(tuple(pk for pk, _, _ in rows))
                # These rows, also when they have left the filter or moved to another page.
                fresh = f"?all=&id__in={','.join(map(str, shown.ids))}"
                live = _live(shown, mark_of(rows), fresh=fresh, morph=CELLS)
                response.context_data |= live
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A job; its script keeps status, steps and journal true."""
        if object_id.isdecimal() and len(object_id) < 19:
            job = IdWindow((int(object_id),), whole=True)
            mark = job.read().mark  # before the rows, so that a commit between them is noticed
            morph = f"{CELLS}, #steps-group, #journal-group"
            extra_context = (extra_context or {}) | _live(job, mark, fresh="", morph=morph)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="status", ordering="status")
    def status_now(self, job: Job) -> SafeString:
        return status_cell(job)

    seq_now = _cell("seq")
    created = _at("created_at")
    started = _cell("started_at")
    ended = _cell("ended_at")
    cancel_asked = _cell("cancel_requested")

    @admin.display
    def parameters(self, job: Job) -> SafeString:
        return format_html_join(mark_safe("<br>"), "{}: {}", params(job))

    def has_control_permission(self, request: HttpRequest) -> bool:
        return permissions.may(request.user, permissions.CONTROL)

    @admin.action(description="Cancel selected jobs", permissions=["control"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        asked: list[str] = []
        refused: list[str] = []

        def cancel_one(job: Job, intent: str) -> None:
            who: dict[str, Any] = {"actor": request.user, "source": "admin", "once": intent}
            try:
                done = orchestrator.cancel(job.pk, **who)
            except DatabaseBusy:
                done = inbox.request_cancel(job.pk, **who)
                if not done:
                    raise
            (asked if done else refused).append(str(job.pk))

        if response := self._one_by_one(request, "cancel", jobs, cancel_one):
            return response
        if asked:
            self.message_user(
                request, f"Cancel requested: job {', '.join(asked)}.", messages.SUCCESS
            )
        if refused:
            self.message_user(
                request,
                f"Nothing to cancel in job {', '.join(refused)}: ended, or being cancelled.",
                messages.WARNING,
            )
        return None

    @admin.action(description="Retry unsuccessful steps of selected jobs", permissions=["control"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        def retry_one(job: Job, intent: str) -> None:
            names = orchestrator.retry(job.pk, actor=request.user, source="admin", once=intent)
            if names:
                text, level = f"Tried again in job {job.pk}: {', '.join(names)}.", messages.SUCCESS
            else:
                refused = job.journal.filter(code__in=RETRY_REFUSED, source="admin").latest("seq")
                why = gist(refused.code, refused.data, refused.reason)
                text, level = f"Nothing to try again in job {job.pk}: {why}.", messages.WARNING
            self.message_user(request, text, level)

        return self._one_by_one(request, "retry", jobs, retry_one)

    def _one_by_one(
        self,
        request: HttpRequest,
        action: str,
        jobs: QuerySet[Job],
        act: Callable[[Job, str], None],
    ) -> HttpResponse | None:
        """Each in a transaction of its own; says so when the database stops it half-way.

        Each is an intent of its own: what was stopped half-way is sent again for the rest. Returns
        the page that asks to send it again when the key of the form was refused.
        """
        chosen = list(jobs.order_by("-pk")[:MOST_LISTED])[::-1]
        title = f"{action} selected jobs".capitalize()
        until = time.monotonic() + PATIENCE_SECONDS
        for number, job in enumerate(chosen):
            try:
                with database.lock_timeout(max(LEAST_SECONDS, until - time.monotonic())):
                    act(job, keys.intent_of(request, action, job.pk))
            except KeyRefused as error:
                return responses.ask_again(request, title, str(error))
            except DatabaseBusy as error:
                told = f"Stopped at job {job.pk}: the database is locked by {error.holder}."
                return responses.ask_again(request, title, told, status=503)
            except (*database.DATABASE_ERRORS, InsideTransaction) as error:
                left = ", ".join(str(other.pk) for other in chosen[number + 1 :])
                self.message_user(
                    request,
                    f"Stopped at job {job.pk}; whether it was done stands in its journal. "
                    f"{f'Not tried: job {left}. ' if left else ''}{database.explain(error)}",
                    messages.ERROR,
                )
                return None
        return None


@admin.register(Step)
class StepAdmin(RowsAdmin):
    list_display = ("id", "job", "name", "status_now", "attempt", "log_lines")
    list_filter = ("status",)
    list_select_related = ("job",)

    tried_again = _at("not_before")
    moments: ClassVar = {"not_before": "tried_again"}

    @admin.display(description="status", ordering="status")
    def status_now(self, step: Step) -> SafeString:
        return status_cell(step)


@admin.register(Attempt)
class AttemptAdmin(RowsAdmin):
    list_display = ("id", "step", "number", "verdict", "worker", "started", "ended")
    list_filter = ("verdict",)
    list_select_related = ("step", "worker")
    started, ended = _at("started_at"), _at("ended_at")
    moments: ClassVar = {"started_at": "started", "ended_at": "ended"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Without what the list does not show, and what may be megabytes."""
        attempts: QuerySet[Attempt] = super().get_queryset(request)
        return attempts.defer("result", "error", "traceback", "worker__knows")


@admin.register(Transition)
class TransitionAdmin(RowsAdmin):
    list_display = (
        "job",
        "seq",
        "happened",
        "kind",
        "step",
        "from_status",
        "to_status",
        "actor",
        "reason",
    )
    list_filter = (EntryFilter,)
    list_select_related = ("job", "step")
    happened = _at("at")
    moments: ClassVar = {"at": "happened"}


@admin.register(Worker)
class WorkerAdmin(RowsAdmin):
    list_display = ("id", "host", "pid", "slots", "heard", "started", "stopped")
    beat, started, stopped = _at("beat_at"), _at("started_at"), _at("stopped_at")

    @admin.display(description="last sign of life")
    def heard(self, worker: Worker) -> SafeString | str:
        """Its row may lag: of a worker of this host, the lock file tells."""
        return moment(workers.last_heartbeat(worker))

    moments: ClassVar = {"beat_at": "beat", "started_at": "started", "stopped_at": "stopped"}
