"""The script of the live pages, for anyone: it says nothing about jobs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from .. import assets, database

A_YEAR = 365 * 24 * 3600  # seconds


@require_safe
@database.non_atomic
def live_script(request: HttpRequest, version: str) -> HttpResponse:
    """The script as it is now.

    Kept by browsers when that is the version asked for. A page of another version learns from its
    first frame that it is not current.
    """
    response = HttpResponse(assets.script(), content_type="text/javascript; charset=utf-8")
    if version == assets.version():
        response["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    else:
        add_never_cache_headers(response)
    return response
