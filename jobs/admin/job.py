"""Jobs in the admin: their list and their pages, both kept up to date by the page's script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_value
from django.db.models import BooleanField, DateTimeField, F, Q, QuerySet
from django.forms import CharField, HiddenInput
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from .. import database, keys
from ..models import Job, Step, Transition
from ..refetch import is_refetch, keep_messages
from ..sight.job_list import IdWindow, mark_of
from ..sight.positions import ENTRIES_SHOWN
from ..sight.steps import FIRST_PAGE, STEPS_SHOWN
from ..templatetags.truestep import moment, params, status_cell, words
from .actions import JobActions
from .lists import DefinitionFilter
from .readonly import ReadOnly, ReadOnlyAdmin, ReadOnlyRows, ReadOnlySteps, moment_of

LIVE_CELLS = "[data-job][data-status], [data-cell]"  # what the page's script updates everywhere
LIVE_SECTIONS = "#steps-group, #journal-group"  # … and on the page of a job


def _live_cell(name: str) -> Callable[[admin.ModelAdmin[Job], Job], SafeString]:
    """A column for a field that changes while the job runs."""
    field = Job._meta.get_field(name)
    is_boolean, is_moment = isinstance(field, BooleanField), isinstance(field, DateTimeField)

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(self: admin.ModelAdmin[Job], job: Job) -> SafeString:
        value = getattr(job, name)
        shown = (is_moment and moment(value)) or display_for_value(value, "-", is_boolean)
        return format_html('<span id="job-{}-{}" data-cell>{}</span>', job.pk, name, shown)

    return column


class StepInline(ReadOnly, admin.TabularInline):
    model = Step
    formset = ReadOnlySteps
    template = "admin/truestep/job/_steps.html"
    verbose_name_plural = f"steps (the first {STEPS_SHOWN}; all of them are on the job's page)"
    extra = 0
    ordering = ("position",)
    fields = ("position", "name", "status", "attempt", "waiting", "log_lines")  # and the error
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        return super().get_queryset(request).filter(position__lt=FIRST_PAGE.end)


class TransitionInline(ReadOnly, admin.TabularInline):
    model = Transition
    formset = ReadOnlyRows
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
class JobAdmin(ReadOnlyAdmin, JobActions):
    list_display = ("id", "definition", "status_now", "seq_now", "created", "started", "ended")
    list_filter = ("status", DefinitionFilter)
    readonly_fields = (
        "parameters",
        "status_now",
        "seq_now",
        "cancel_asked",
        "created",
        "started",
        "ended",
    )
    fields = (
        "uuid",
        "definition",
        "parameters",
        ("status_now", "seq_now", "cancel_asked"),
        ("created", "started", "ended"),
        "key",
        "again_of",
        "code_version",
    )
    inlines = (StepInline, TransitionInline)

    seq_now = _live_cell("seq")
    created = moment_of("created_at")
    started = _live_cell("started_at")
    ended = _live_cell("ended_at")
    cancel_asked = _live_cell("cancel_requested")

    @admin.display(description="status", ordering="status")
    def status_now(self, job: Job) -> SafeString:
        return status_cell(job)

    @admin.display
    def parameters(self, job: Job) -> SafeString:
        return format_html_join(mark_safe("<br>"), "{}: {}", params(job))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list. Its script updates the cells of the jobs shown, and no check box."""
        is_read = request.method == "GET" and not is_refetch(request)
        if is_read and (held := database.lock_sentence()):
            messages.warning(request, words(held))
        response = _keep_messages(request, super().changelist_view(request, extra_context))
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            assert response.context_data
            _add_key(request, response.context_data)
            response.context_data |= _live_list(response.context_data["cl"].result_list)
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A job. Its script updates status, steps and journal."""
        if object_id.isdecimal() and len(object_id) < 19:
            extra_context = (extra_context or {}) | _live_job(int(object_id))
        response = super().change_view(request, object_id, form_url, extra_context)
        return _keep_messages(request, response)


def _keep_messages(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """When the page's script fetches it, leave messages. A page is rendered after its view."""
    if is_refetch(request) and isinstance(response, TemplateResponse):
        response.add_post_render_callback(lambda _: keep_messages(request))
    return response


def _add_key(request: HttpRequest, context: dict[str, Any]) -> None:
    """Give the form of the actions the key of an intent."""
    if actions := context["action_form"]:
        actions.fields[keys.KEY] = CharField(
            label="", widget=HiddenInput, initial=keys.key_for(request)
        )


def _live_list(jobs: Any) -> dict[str, str]:
    rows = sorted((job.pk, job.status, job.seq) for job in jobs)
    if not rows:
        return {}
    window = IdWindow(tuple(pk for pk, _, _ in rows))
    # The same jobs, also when they have left the filter or moved to another page.
    fresh = f"?all=&id__in={','.join(map(str, window.ids))}"
    return _live(window, mark_of(rows), fresh=fresh, morph=LIVE_CELLS)


def _live_job(job_id: int) -> dict[str, str]:
    window = IdWindow((job_id,), whole=True)
    mark = window.read().mark  # before the rows, so that a commit between them is noticed
    return _live(window, mark, fresh="", morph=f"{LIVE_CELLS}, {LIVE_SECTIONS}")


def _live(window: IdWindow, mark: str, *, fresh: str, morph: str) -> dict[str, str]:
    """What the page's script watches, the address it fetches, and the elements that it updates."""
    return {
        "live_query": window.query(),
        "live_mark": mark,
        "live_fresh": fresh,
        "live_morph": morph,
    }
