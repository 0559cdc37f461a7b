"""What answers before anything else of the project is asked."""

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
    """Answers ``healthz`` to a probe that asks an address: no allowed Host is needed, no HTTPS.

    It comes first in MIDDLEWARE, before what redirects and what looks at the Host.
    """

    def now(request: HttpRequest) -> Any:
        return healthz(request) if _asks(request) else get_response(request)

    async def soon(request: HttpRequest) -> Any:
        return healthz(request) if _asks(request) else await get_response(request)

    return soon if iscoroutinefunction(get_response) else now


def _asks(request: HttpRequest) -> bool:
    try:
        # Only what may be asking is looked up.
        return request.path_info.endswith("healthz") and resolve(request.path_info).func is healthz
    except Resolver404:
        return False
