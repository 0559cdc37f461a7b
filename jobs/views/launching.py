"""The launch form, also filled in with the parameters of an older job."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from .. import definitions, keys, orchestrator, permissions
from ..definitions import JobDefinition, parameters, secret
from ..exceptions import DatabaseBusy, InvalidParams, KeyHeld, KeyRefused, UnknownDefinition
from ..models import Job
from ..responses import CONFLICT, SERVICE_UNAVAILABLE, keep_for_back, with_retry_after
from .access import permitted, render
from .actions import FORBIDDEN, LOCKED
from .hiding import hide_in_reports

Definition = type[JobDefinition]


@require_safe
@permitted(permissions.LAUNCH)
def launch_list(request: HttpRequest) -> HttpResponse:
    """Every definition that this user may launch."""
    allowed = [cls for cls in definitions.registered().values() if _may_launch(request, cls)]
    return render(request, "truestep/launch_list.html", {"definitions": allowed})


@permitted(permissions.LAUNCH)
def launch(request: HttpRequest, name: str, refused: str = "") -> HttpResponse:
    """A definition's form; POST launches a job and redirects to it.

    With ``again=`` and the id of an older job, its parameters are filled in, and the new job is
    linked to it; ``why=`` is journaled. With *refused*, a POST does nothing; the response says why
    and has the form again.
    """
    older = _older_job(request, name)
    try:
        definition = definitions.get(name)
    except UnknownDefinition as error:
        if older is None:
            raise Http404(str(error)) from None
        text = f"This job cannot be launched again: no installed app defines {name}."
        messages.info(request, text)
        return redirect("truestep:job", older.pk)
    if not _may_launch(request, definition):
        raise PermissionDenied
    hide_in_reports(request, secret.controls_of(definition.form()))
    if request.method != "POST":
        return _form_page(request, definition, older)
    if refused:
        return _refused(request, definition, older, refused, FORBIDDEN)
    return _launch(request, definition, older)


def _launch(request: HttpRequest, definition: Definition, older: Job | None) -> HttpResponse:
    values = keys.values_of(request, secret.controls_of(definition.form()))
    asked = ["launch", definition.name, older and older.pk, values]
    try:
        job = orchestrator.launch(
            definition,
            request.POST,
            actor=request.user,
            source="page",
            again_of=older,
            why=_why(request, definition.name),
            once=keys.intent_of(request, *asked),
        )
    except Job.DoesNotExist:
        raise Http404("The job that this form launched has been deleted.") from None
    except InvalidParams as error:
        form = _with_errors(error.form or definition.Params(request.POST), error)
        return _form_page(request, definition, older, form)
    except KeyHeld as error:
        form = definition.Params(request.POST)
        form.add_error(None, _held(error))
        return _form_page(request, definition, older, form, status=CONFLICT)
    except KeyRefused as error:
        return _refused(request, definition, older, str(error), CONFLICT)
    except DatabaseBusy as error:
        text = LOCKED.format(error.holder)
        return _refused(request, definition, older, text, SERVICE_UNAVAILABLE)
    return redirect("truestep:job", job.pk)


def _held(error: KeyHeld) -> ValidationError:
    """That another job holds the key, with a link to it."""
    name = f"job {error.job_id}"
    before, after = str(error).split(name, 1)
    address = reverse("truestep:job", args=[error.job_id])
    return ValidationError(format_html('{}<a href="{}">{}</a>{}', before, address, name, after))


def _refused(
    request: HttpRequest, definition: Definition, older: Job | None, why: str, status: int
) -> HttpResponse:
    form = definition.Params(request.POST)
    return _form_page(request, definition, older, form, refused=why, status=status)


def _form_page(
    request: HttpRequest,
    definition: Definition,
    older: Job | None,
    form: Form | None = None,
    *,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    filled_in, dropped = _form_like(definition, older)
    form = form or filled_in
    context = {
        "definition": definition,
        "form": secret.for_page(form),
        "again": older,
        "dropped": dropped,
        "why": None if "why" in form.fields else _why(request, definition.name),
        "refused": refused,
    }
    page = render(request, "truestep/launch.html", context, status)
    return with_retry_after(keep_for_back(page))


def _older_job(request: HttpRequest, name: str) -> Job | None:
    """The job to launch again. Its parameters are for those who may view jobs."""
    given = request.GET.get("again") or _beside_params(request, name, "again")
    if not given:
        return None
    if not permissions.may(request.user, permissions.VIEW):
        raise PermissionDenied
    if not (given.isdecimal() and len(given) < 19):
        raise Http404(f"again={given} is not a job id.")
    return get_object_or_404(Job, pk=int(given), definition=name)


def _why(request: HttpRequest, name: str) -> str:
    return _beside_params(request, name, "why").strip()


def _beside_params(request: HttpRequest, name: str, key: str) -> str:
    """A value that was sent beside the parameters, unless the definition has a parameter *key*."""
    if key not in request.POST:
        return ""
    definition = definitions.registered().get(name)
    is_parameter = definition is not None and key in definition.form().fields
    return "" if is_parameter else request.POST[key]


def _may_launch(request: HttpRequest, definition: Definition) -> bool:
    return definition.permission is None or request.user.has_perm(definition.permission)


def _form_like(definition: Definition, older: Job | None) -> tuple[Form, list[str]]:
    """The form with an older job's parameters, and a text for each one that does not fit."""
    if older is None:
        return definition.form(), []
    if older.understood is not None:
        form = definition.form()
        return form, parameters.fill_in(form, older.understood)
    form = definition.form(older.params)
    gone = sorted(set(older.params) - set(form.fields))
    return form, [f"{field}, which is no longer a parameter" for field in gone]


def _with_errors(form: Form, error: InvalidParams) -> Form:
    """The form with the errors that it did not find itself."""
    if form.is_valid():
        for field, texts in error.errors.items():
            for text in texts:
                form.add_error(field if field in form.fields else None, text)
    return form
