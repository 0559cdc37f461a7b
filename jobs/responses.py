"""Responses to a request that was not carried out, and the headers that they and forms need."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.shortcuts import render

from . import keys

CONFLICT = 409
SERVICE_UNAVAILABLE = 503
RETRY_AFTER_SECONDS = "5"


def ask_again(
    request: HttpRequest, title: str, refused: str, status: int = CONFLICT
) -> HttpResponse:
    """A page that says why nothing was done, with a form that sends the same request again."""
    context = {"title": title, "refused": refused, "values": keys.values_of(request)}
    return with_retry_after(render(request, "truestep/again.html", context, status=status))


def with_retry_after(response: HttpResponse) -> HttpResponse:
    """Add ``Retry-After`` to a response that says that the service is unavailable."""
    if response.status_code == SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def keep_for_back(response: HttpResponse) -> HttpResponse:
    """Let the browser's Back button show this very page, with the same key in its form.

    Middleware adds ``Vary: Cookie``. Once a cookie has changed, Back would then fetch the page
    again, and a form that was already sent would come back with a new key.
    """
    response.headers = _HeadersWithoutVary(dict(response.headers))
    response.headers["Cache-Control"] = "private"
    return response


class _HeadersWithoutVary(ResponseHeaders):
    def __setitem__(self, name: str, value: Any) -> None:
        if name.lower() != "vary":
            super().__setitem__(name, value)
