"""The pages: list, job, launch; the actions: cancel, retry; the log as text."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.forms import Form
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.template import loader
from django.utils.cache import patch_cache_control
from django.views import defaults
from django.views.csrf import csrf_failure as refuse
from django.views.decorators.http import require_POST, require_safe

from . import database, definitions, keys, logs, orchestrator
from .database import Outage
from .definitions import parameters
from .exceptions import (
    DatabaseBusy,
    InsideTransaction,
    InvalidParams,
    KeyRefused,
    UnknownDefinition,
    UnknownStep,
)
from .models import Job, Step
from .sight.job import context_of, read_job
from .sight.job_list import (
    MOST_COUNTED,
    PAGE_SIZE,
    ListWindow,
    counts,
    has_jobs_without_worker,
    step_page_of,
)
from .sight.positions import history
from .statuses import JOB_STATUSES
from .workers import inbox

CAN = ("view", "launch", "control", "log")
_PERMISSIONS = {
    "view": "truestep.view_job",
    "launch": "truestep.launch_job",
    "control": "truestep.control_job",
    "log": "truestep.view_log",
}

PATIENCE_SECONDS = 5.0  # of a request that writes
LOCKED = "The database is locked by {}. Nothing was done. Send it again when that has ended."
HANDED_OVER = (
    "The database is locked by {}. The worker of this job was told to cancel it: it stops the "
    "steps now, and the history says so when the lock is free."
)

CSRF_REFUSED = (
    "Nothing was done: this form is from an earlier login, or cookies are blocked. Send it again. "
    "If that does not help, the server does not know the address in your browser as its own: its "
    "administrator can set HTTPS=1 behind a proxy, or CSRF_TRUSTED_ORIGINS."
)

View = Callable[..., HttpResponseBase]


def permitted(what: str) -> Callable[[View], View]:
    """No login: to the login page; no permission: 403."""

    def guard(view: View) -> View:
        @database.non_atomic
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(_PERMISSIONS[what]):
                raise PermissionDenied
            try:
                with _patience(request):
                    response = view(request, *args, **kwargs)
                # No cache on the way, nor the project's own one, may answer in our place.
                patch_cache_control(response, private=True)
                return response
            except InsideTransaction as error:
                if request.method != "POST":
                    raise
                messages.error(request, str(error))
            is_of_job = "job_id" in kwargs
            return redirect(*(("truestep:job", kwargs["job_id"]) if is_of_job else (request.path,)))

        return guarded

    return guard


def _patience(request: HttpRequest) -> AbstractContextManager[None]:
    """A person who wants something done is told soon when a lock is in the way."""
    return database.lock_timeout(PATIENCE_SECONDS) if request.method == "POST" else nullcontext()


@require_safe
@permitted("view")
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs, newest first; the page's script keeps the list true."""
    try:
        window = ListWindow.of(request.GET)
    except ValueError as error:
        raise Http404(str(error)) from None
    with database.snapshot():
        mark = window.read().mark
        jobs = list(window.jobs())
        counted = counts()
    page, older = jobs[:PAGE_SIZE], jobs[PAGE_SIZE:]
    context = {
        "window": window,
        "mark": mark,
        "jobs": page,
        "oldest": page[-1].pk if older else None,
        "counts": [(status, _about(counted[status])) for status in JOB_STATUSES],
        "definitions": definitions.registered(),
        "has_jobs_without_worker": has_jobs_without_worker(counted),
    }
    return _render(request, "truestep/list.html", context)


@require_safe
@permitted("view")
def job_detail(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job; the page's script keeps it true.

    Of a big job, ``?from=`` and a position choose the steps that are shown; ``?before=`` and a
    number show older entries of its history.
    """
    before = request.GET.get("before", "")
    if before and not (before.isdecimal() and len(before) < 19):
        raise Http404(f"before={before} is not the number of an entry.")
    try:
        with database.snapshot():
            snapshot = read_job(job_id, page=step_page_of(request.GET))
            older = history(job_id, int(before)) if before else []
    except ValueError as error:
        raise Http404(str(error)) from None
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    shown = older if before else snapshot.journal
    context = context_of(snapshot) | {
        "history": shown,
        "is_past": bool(before),
        "earlier": shown[0].seq if shown and shown[0].seq > 1 else None,
        "is_known": snapshot.job.definition in definitions.registered(),
    }
    return _render(request, "truestep/detail.html", context)


@require_POST
@permitted("control")
def cancel(request: HttpRequest, job_id: int, refused: str = "") -> HttpResponse:
    """Ask a job to stop. With *refused*, show why that was not done, and the form again."""
    title = f"Cancel job #{job_id}"
    if refused:
        return keys.ask_again(request, title, refused, status=403)
    try:
        intent = keys.intent_of(request, "cancel", job_id)
        asked = orchestrator.cancel(job_id, actor=request.user, source="page", once=intent)
    except KeyRefused as error:
        return keys.ask_again(request, title, str(error))
    except DatabaseBusy as error:
        if not inbox.request_cancel(job_id, actor=request.user, source="page", once=intent):
            return keys.ask_again(request, title, LOCKED.format(error.holder), status=503)
        messages.info(request, HANDED_OVER.format(error.holder))
        return redirect("truestep:job", job_id)
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    if not asked:
        messages.info(request, "Nothing to cancel: the job has ended or is being cancelled.")
    return redirect("truestep:job", job_id)


@require_POST
@permitted("control")
def retry(request: HttpRequest, job_id: int, refused: str = "") -> HttpResponse:
    """Try a step again (``step=``), or all that failed or were cancelled; ``why=`` is journaled.

    With *refused*, show why that was not done, and the form again.
    """
    step, why = request.POST.get("step", ""), request.POST.get("why", "").strip()
    title = f"Retry {f'step {step}' if step else 'what did not succeed'} of job #{job_id}"
    if refused:
        return keys.ask_again(request, title, refused, status=403)
    try:
        intent = keys.intent_of(request, "retry", job_id, step, why)
        names = orchestrator.retry(
            job_id, step, actor=request.user, source="page", why=why, once=intent
        )
    except KeyRefused as error:
        return keys.ask_again(request, title, str(error))
    except DatabaseBusy as error:
        return keys.ask_again(request, title, LOCKED.format(error.holder), status=503)
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    except UnknownStep as error:
        raise Http404(str(error)) from None
    if not names:
        messages.info(
            request,
            "Nothing to try again: it has not failed, somebody was faster, or the job is being "
            "cancelled.",
        )
    return redirect("truestep:job", job_id)


@require_safe
@permitted("view")
def step_log(request: HttpRequest, job_id: int, step: str) -> StreamingHttpResponse:
    """A step's log as plain text, without numbers; ``?attempt=`` for one attempt's."""
    if not request.user.has_perm(_PERMISSIONS["log"]):
        raise PermissionDenied
    attempt = request.GET.get("attempt", "")
    if attempt and not (attempt.isdecimal() and len(attempt) < 10):
        raise Http404(f"attempt={attempt} is not the number of one.")
    if not step.isidentifier():  # PostgreSQL would not even take a NUL
        raise Http404(f"There is no step {step!r}.")
    row = get_object_or_404(Step, job=job_id, name=step)
    text = logs.text_of(row.pk, int(attempt) if attempt else None)
    return StreamingHttpResponse(
        _piece_by_piece(text) if isinstance(request, ASGIRequest) else text,
        content_type="text/plain; charset=utf-8",
        headers={"X-Content-Type-Options": "nosniff"},
    )


async def _piece_by_piece(text: Iterator[str]) -> AsyncIterator[str]:
    """The same for a response of ASGI, which would take a synchronous stream whole into memory."""
    take_one = sync_to_async(lambda: next(text, None))
    while (piece := await take_one()) is not None:
        yield piece


@require_safe
@permitted("launch")
def launch_list(request: HttpRequest) -> HttpResponse:
    """Every definition that this user may launch."""
    allowed = [cls for cls in definitions.registered().values() if _may_launch(request, cls)]
    return _render(request, "truestep/launch_list.html", {"definitions": allowed})


@permitted("launch")
def launch(request: HttpRequest, name: str, refused: str = "") -> HttpResponse:
    """A definition's form; POST launches it and goes to the job.

    With ``again=`` and the id of an older job, its parameters are filled in, and the new job is
    linked to it; ``why=`` is journaled. With *refused*, show why a POST was not done, and the form
    again.
    """
    again = _again(request, name)
    try:
        definition = definitions.get(name)
    except UnknownDefinition as error:
        if again is None:
            raise Http404(str(error)) from None
        messages.info(
            request, f"It cannot be launched again: no installed app defines {name} any more."
        )
        return redirect("truestep:job", again.pk)
    if not _may_launch(request, definition):
        raise PermissionDenied
    form, dropped = _form_like(definition, again)
    why = _beside(request, name, "why").strip()
    status = 403 if refused else 200
    if request.method == "POST":
        try:
            if not refused:
                job = orchestrator.launch(
                    definition,
                    request.POST,
                    actor=request.user,
                    source="page",
                    again_of=again,
                    why=why,
                    once=keys.intent_of(
                        request, "launch", name, again and again.pk, keys.values_of(request)
                    ),
                )
                return redirect("truestep:job", job.pk)
            form = definition.Params(request.POST)
        except Job.DoesNotExist:
            raise Http404("The job that this form launched was deleted.") from None
        except InvalidParams as error:
            form = _with_errors(error.form or definition.Params(request.POST), error)
        except KeyRefused as error:
            form, refused, status = definition.Params(request.POST), str(error), 409
        except DatabaseBusy as error:
            form, status = definition.Params(request.POST), 503
            refused = LOCKED.format(error.holder)
    context = {
        "definition": definition,
        "form": form,
        "again": again,
        "dropped": dropped,
        "why": None if "why" in form.fields else why,
        "refused": refused,
    }
    page = _render(request, "truestep/launch.html", context, status)
    return keys.ask_to_wait(keys.keep_for_back(page))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """For ``CSRF_FAILURE_VIEW``: shows a form of Truestep again, with its values and new tokens.

    Only when it is a page of this very site that sent an old token; nothing is done.
    """
    match = request.resolver_match
    if match is None or match.app_name not in ("truestep", "admin"):
        return refuse(request, reason)
    if reason.startswith(("Origin", "Referer")):
        return refuse(request, reason, "truestep/403_csrf.html")
    for view in (launch, cancel, retry):
        if match.func is view:
            return view(request, **match.kwargs, refused=CSRF_REFUSED)
    if match.view_name == "admin:truestep_job_changelist" and request.user.is_authenticated:
        title = f"{request.POST.get('action', '')} selected jobs".capitalize()
        return keys.ask_again(request, title, CSRF_REFUSED, status=403)
    return refuse(request, reason)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for what a view has raised: 503 when the database cannot be used, else 500.

    It reads nothing from the database, not even who asks.
    """
    error = sys.exc_info()[1]
    kind = Outage.OTHER
    if isinstance(error, database.DATABASE_ERRORS):
        kind = database.outage_of(error)
    if kind is Outage.OTHER:
        return defaults.server_error(request)
    holder = error.holder if isinstance(error, DatabaseBusy) else ""
    told = {"what": kind.what, "kind": kind.name.lower(), "holder": holder}
    page = loader.render_to_string("truestep/503.html", told)
    return HttpResponse(page, status=503, headers={"Retry-After": "5"})


@database.non_atomic
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the web process answers."""
    return HttpResponse("ok", content_type="text/plain")


def _again(request: HttpRequest, name: str) -> Job | None:
    """The older job that is to be run again; its parameters are for those who may view jobs."""
    given = request.GET.get("again") or _beside(request, name, "again")
    if not given:
        return None
    if not request.user.has_perm(_PERMISSIONS["view"]):
        raise PermissionDenied
    if not (given.isdecimal() and len(given) < 19):
        raise Http404(f"again={given} is not the number of a job.")
    return get_object_or_404(Job, pk=int(given), definition=name)


def _beside(request: HttpRequest, name: str, key: str) -> str:
    """What was sent beside the parameters, unless a parameter of the definition has that name."""
    if key not in request.POST:
        return ""
    definition = definitions.registered().get(name)
    is_theirs = definition is not None and key in definition.form().fields
    return "" if is_theirs else request.POST[key]


def _about(count: int) -> str:
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def _may_launch(request: HttpRequest, definition: type[definitions.JobDefinition]) -> bool:
    return definition.permission is None or request.user.has_perm(definition.permission)


def _form_like(
    definition: type[definitions.JobDefinition], again: Job | None
) -> tuple[Form, list[str]]:
    """The form, filled in with the parameters of an older job; and which of them cannot be."""
    if again is None:
        return definition.form(), []
    if again.understood is not None:
        form = definition.form()
        return form, parameters.fill_in(form, again.understood)
    form = definition.form(again.params)
    gone = sorted(set(again.params) - set(form.fields))
    return form, [f"{field}, which is no parameter any more" for field in gone]


def _with_errors(form: Form, error: InvalidParams) -> Form:
    """The form with what it could not find wrong; its own errors it knows itself."""
    if form.is_valid():
        for field, texts in error.errors.items():
            for text in texts:
                form.add_error(field if field in form.fields else None, text)
    return form


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    can = [what for what in CAN if request.user.has_perm(_PERMISSIONS[what])]
    held = database.lock_sentence() if request.method == "GET" else []
    shared = {"can": " ".join(can), "held": held}
    page = loader.render_to_string(template, context | shared, request)
    # A form is shown as it was sent, also when it was refused for what no page can hold.
    return HttpResponse(page.encode(errors="replace"), status=status)
