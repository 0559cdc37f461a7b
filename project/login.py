"""The throttled login: whose failures are counted together, and what a locked out person reads."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def client_address(request: HttpRequest) -> str | None:
    """The client's address: behind PROXIES proxies, the one that the outermost of them wrote."""
    if settings.PROXIES:
        addresses = request.headers.get("X-Forwarded-For", "").split(",")
        with suppress(IndexError, ValueError):
            return str(ip_address(addresses[-settings.PROXIES].strip()))
    return request.META.get("REMOTE_ADDR")


def locked_out(request: HttpRequest, response: Any, credentials: Any) -> HttpResponse:
    """The page (429) after too many failures, also of the admin's login."""
    pause = settings.AXES_COOLOFF_TIME
    context = {"minutes": round(pause.total_seconds() / 60)}
    page = render(request, "429.html", context, status=429)
    page["Retry-After"] = str(round(pause.total_seconds()))
    return page
