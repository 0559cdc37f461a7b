"""Permission to call a view, and the context that every page has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template import loader
from django.utils.cache import patch_cache_control

from .. import database, permissions
from ..exceptions import InsideTransaction
from ..refetch import is_refetch, keep_messages

LOCK_TIMEOUT_SECONDS = 5.0  # of a request that writes: a person waits for its response

View = Callable[..., HttpResponseBase]


def permitted(what: str) -> Callable[[View], View]:
    """Without a login, redirect to the login page; without the permission, respond with 403."""

    def decorate(view: View) -> View:
        @database.non_atomic
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not permissions.may(request.user, what):
                raise PermissionDenied
            try:
                with _lock_timeout(request):
                    response = view(request, *args, **kwargs)
            except InsideTransaction as error:
                if request.method != "POST":
                    raise
                messages.error(request, str(error))
                return _back_to_form(request, kwargs)
            # No cache may respond in our place, not even the project's own.
            patch_cache_control(response, private=True)
            return response

        return guarded

    return decorate


def _lock_timeout(request: HttpRequest) -> AbstractContextManager[None]:
    if request.method != "POST":
        return nullcontext()
    return database.lock_timeout(LOCK_TIMEOUT_SECONDS)


def _back_to_form(request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponse:
    if "job_id" in kwargs:
        return redirect("truestep:job", kwargs["job_id"])
    return redirect(request.path)


def render(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page, with what the user may do and who holds a lock of the database."""
    held = database.lock_sentence() if request.method == "GET" else []
    shared = {"can": " ".join(permissions.all_of(request.user)), "held": held}
    page = loader.render_to_string(template, context | shared, request)
    if is_refetch(request):
        keep_messages(request)
    # A form may show what no page can hold: that is why it was refused.
    return HttpResponse(page.encode(errors="replace"), status=status)
