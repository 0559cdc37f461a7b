"""Middleware that a project may put first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.decorators import sync_and_async_middleware

from .views import healthz


@sync_and_async_middleware
def health(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answers ``healthz`` to a load balancer that asks an address, without HTTPS.

    Put it first in MIDDLEWARE, before what checks the Host or redirects to HTTPS.
    """

    def answer(request: HttpRequest) -> Any:
        return healthz(request) if _is_for_healthz(request) else get_response(request)

    async def answer_async(request: HttpRequest) -> Any:
        return healthz(request) if _is_for_healthz(request) else await get_response(request)

    return answer_async if iscoroutinefunction(get_response) else answer


def _is_for_healthz(request: HttpRequest) -> bool:
    try:
        # The cheap test comes first: this runs for every request of the project.
        return request.path_info.endswith("healthz") and resolve(request.path_info).func is healthz
    except Resolver404:
        return False
