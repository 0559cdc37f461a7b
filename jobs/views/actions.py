"""What people ask of a job: cancel, retry, and where a running step is."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from .. import keys, orchestrator, permissions
from ..exceptions import DatabaseBusy, KeyRefused, StepNotRunning, UnknownStep
from ..models import Job, Step
from ..responses import SERVICE_UNAVAILABLE, ask_again
from ..sight.stacks import read_stack
from ..workers import inbox
from .access import permitted, render

FORBIDDEN = 403
LOCKED = "The database is locked by {}. Nothing was done. Send it again once the lock is released."
CANCEL_PASSED_ON = (
    "The database is locked by {}. The job's worker was asked directly: it is stopping the steps, "
    "and the history will show the cancellation once the lock is released."
)
NOTHING_TO_CANCEL = "Nothing to cancel: the job has ended or is already being cancelled."
NOTHING_TO_RETRY = (
    "Nothing to retry: nothing has failed, it has already been retried, or the job is being "
    "cancelled."
)

WITHOUT_SECRETS = (
    "Nothing was retried: the secret parameters of this job were deleted when it ended. “Launch "
    "again” asks for them."
)


@require_POST
@permitted(permissions.CONTROL)
def cancel(request: HttpRequest, job_id: int, refused: str = "") -> HttpResponse:
    """Ask a job to stop.

    With *refused*, nothing is done; the response says why and has the form again.
    """
    title = f"Cancel job #{job_id}"
    if refused:
        return ask_again(request, title, refused, status=FORBIDDEN)
    try:
        intent = keys.intent_of(request, "cancel", job_id)
        asked = orchestrator.cancel(job_id, actor=request.user, source="page", once=intent)
    except KeyRefused as error:
        return ask_again(request, title, str(error))
    except DatabaseBusy as error:
        if not inbox.request_cancel(job_id, actor=request.user, source="page", once=intent):
            text = LOCKED.format(error.holder)
            return ask_again(request, title, text, status=SERVICE_UNAVAILABLE)
        messages.info(request, CANCEL_PASSED_ON.format(error.holder))
        return redirect("truestep:job", job_id)
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    if not asked:
        messages.info(request, NOTHING_TO_CANCEL)
    return redirect("truestep:job", job_id)


@require_POST
@permitted(permissions.CONTROL)
def retry(request: HttpRequest, job_id: int, refused: str = "") -> HttpResponse:
    """Retry one step (``step=``), or all that failed or were cancelled; ``why=`` is journaled.

    With *refused*, nothing is done; the response says why and has the form again.
    """
    step, why = request.POST.get("step", ""), request.POST.get("why", "").strip()
    title = f"Retry {f'step {step}' if step else 'unsuccessful steps'} of job #{job_id}"
    if refused:
        return ask_again(request, title, refused, status=FORBIDDEN)
    try:
        intent = keys.intent_of(request, "retry", job_id, step, why)
        names = orchestrator.retry(
            job_id, step, actor=request.user, source="page", why=why, once=intent
        )
    except KeyRefused as error:
        return ask_again(request, title, str(error))
    except DatabaseBusy as error:
        text = LOCKED.format(error.holder)
        return ask_again(request, title, text, status=SERVICE_UNAVAILABLE)
    except Job.DoesNotExist:
        raise Http404(f"There is no job {job_id}.") from None
    except UnknownStep as error:
        raise Http404(str(error)) from None
    if not names:
        job = Job.objects.filter(pk=job_id).first()
        messages.info(request, WITHOUT_SECRETS if job and job.lacks_secrets else NOTHING_TO_RETRY)
    return redirect("truestep:job", job_id)


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(permissions.VIEW)
def step_stack(request: HttpRequest, job_id: int, step: str) -> HttpResponse:
    """Where a running step is: a POST asks its worker, a GET shows the answer."""
    if not permissions.may(request.user, permissions.STACK):
        raise PermissionDenied
    if not step.isidentifier():  # PostgreSQL rejects a NUL in a query
        raise Http404(f"There is no step {step!r}.")
    try:
        if request.method == "POST":
            with suppress(StepNotRunning):  # the page says so
                orchestrator.ask_for_stack(job_id, step)
            return redirect("truestep:stack", job_id, step)
        return render(request, "truestep/stack.html", {"stack": read_stack(job_id, step)})
    except DatabaseBusy as error:
        text = LOCKED.format(error.holder)
        return ask_again(request, f"Stack of {step}", text, status=SERVICE_UNAVAILABLE)
    except (UnknownStep, Step.DoesNotExist) as error:
        raise Http404(str(error)) from None
