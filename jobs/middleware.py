"""Middleware that a project may put first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.decorators import sync_and_async_middleware

from .views import healthz, metrics, readyz

View = Callable[[HttpRequest], HttpResponse]

# By how their paths end.
PROBES: dict[str, View] = {"healthz": healthz, "readyz": readyz, "metrics": metrics}
_ENDINGS = tuple(PROBES)


@sync_and_async_middleware
def health(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answers ``healthz``, ``readyz`` and ``metrics`` to who asks an address, without HTTPS.

    Put it first in MIDDLEWARE, before what checks the Host or redirects to HTTPS.
    """

    def answer(request: HttpRequest) -> Any:
        probe = _probe_of(request)
        return probe(request) if probe else get_response(request)

    async def answer_async(request: HttpRequest) -> Any:
        probe = _probe_of(request)
        if probe is healthz:  # it waits for nothing, not even for a thread
            return healthz(request)
        return await (sync_to_async(probe)(request) if probe else get_response(request))

    return answer_async if iscoroutinefunction(get_response) else answer


def _probe_of(request: HttpRequest) -> View | None:
    if not request.path_info.endswith(_ENDINGS):  # cheap: this runs for every request
        return None
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return None
    return view if view in PROBES.values() else None
