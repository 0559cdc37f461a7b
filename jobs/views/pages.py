"""The pages: the list, and a job."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from .. import database, definitions, permissions
from ..models import Job
from ..sight import totals
from ..sight.graph import read_graph
from ..sight.job import JobSnapshot, context_of, read_job
from ..sight.job_list import ListWindow
from ..sight.positions import attach_steps, history
from ..sight.shown import View, shown_of
from ..sight.waterfall import axis_of, bars_of
from ..statuses import JOB_STATUSES
from .access import permitted, render


@require_safe
@permitted(permissions.VIEW)
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs, newest first; the page's script keeps the list up to date."""
    try:
        window = ListWindow.of(request.GET)
    except ValueError as error:
        raise Http404(str(error)) from None
    page = window.page()
    context = {
        "window": window,
        "page": page,
        "counts": [(status, *_total(status, page.counts[status])) for status in JOB_STATUSES],
        "definitions": definitions.registered(),
    }
    return render(request, "truestep/list.html", context)


@require_safe
@permitted(permissions.VIEW)
def job_detail(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job; the page's script keeps it up to date.

    ``?view=`` adds another view to the list of steps. Of a big job, ``?from=`` chooses the steps to
    show, by position; ``?before=`` shows the entries of the history before that seq.
    """
    before = request.GET.get("before", "")
    if before and not (before.isdecimal() and len(before) < 19):
        raise Http404(f"before={before} is not the number of a journal entry.")
    try:
        with database.snapshot():
            page, view = shown_of(request.GET)
            snapshot = read_job(job_id, page=page)
            drawn = _drawn(snapshot, view)
            older = history(job_id, int(before)) if before else []
            attach_steps(older)
    except ValueError as error:
        raise Http404(str(error)) from None
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    shown = older if before else snapshot.journal
    context = (
        context_of(snapshot)
        | drawn
        | {
            "view": view,
            "views": list(View),
            "history": shown,
            "is_past": bool(before),
            "earlier": shown[0].seq if shown and shown[0].seq > 1 else None,
            "is_known": snapshot.job.definition in definitions.registered(),
        }
    )
    return render(request, "truestep/detail.html", context)


def _drawn(snapshot: JobSnapshot, view: View) -> dict[str, Any]:
    """What a view shows above the list."""
    if view == View.GRAPH:
        return {"graph": read_graph(snapshot.job, snapshot.page)}
    if view == View.WATERFALL:
        steps = [row.step for row in snapshot.steps]
        return {"waterfall": bars_of(snapshot.job, steps), "axis": axis_of(snapshot.job)}
    return {}


def _total(status: str, count: int) -> tuple[str, str]:
    """How many jobs have a status, and for a total that is not exact, when it was counted."""
    most = totals.MOST_COUNTED
    if count <= most:
        return f"{count:,}", ""
    return f"{most:,}+", f"more than {most:,} at {totals.counted_at(status):%H:%M:%S} UTC"
