"""The key of a form: by it, two requests are known to come from one form, and so from one intent.

A key is made when a form is opened, for the person who opened it, and needs no row until it is
used. ``intents`` sees to it that what is asked for with it is done once.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.shortcuts import render

from .exceptions import KeyRefused

KEY = "truestep-key"  # with a hyphen: no parameter of a definition has such a name
GOOD_FOR = timedelta(days=7)
SERVICE_UNAVAILABLE = 503


def key_for(request: HttpRequest) -> str:
    """For the forms of the answer: the key that came with the request, or a new one.

    A form that is shown again, because of an error, is still the same intent.
    """
    sent = request.POST.get(KEY, "")
    return sent if _is_good(request, sent) else _signer(request).sign(secrets.token_urlsafe(12))


def intent_of(request: HttpRequest, *asked: Any) -> str:
    """A text that two requests share when they ask for the same thing with the same form.

    Empty for a request without a key: a program's, which is an intent of its own. Raises
    KeyRefused when the key has expired or is not this person's.
    """
    sent = request.POST.get(KEY)
    if sent is None:
        return ""
    if not _is_good(request, sent):
        raise KeyRefused(GOOD_FOR.days)
    return json.dumps([sent, *asked])


def values_of(request: HttpRequest) -> list[tuple[str, str]]:
    """All that was sent, but for the tokens that every answer makes anew."""
    sent = sorted(request.POST.lists())
    return [
        (name, value)
        for name, values in sent
        if name not in (KEY, "csrfmiddlewaretoken")
        for value in values
    ]


def ask_again(request: HttpRequest, title: str, refused: str, status: int = 409) -> HttpResponse:
    """A page that says why nothing was done, and with which the same can be sent once more."""
    context = {"title": title, "refused": refused, "values": values_of(request)}
    page = render(request, "truestep/again.html", context, status=status)
    return ask_to_wait(page)


def ask_to_wait(response: HttpResponse) -> HttpResponse:
    """Say, also to a program, when to send again what could not be done for now."""
    if response.status_code == SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


class _Unvaried(ResponseHeaders):
    """Headers without Vary."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.lower() != "vary":
            super().__setitem__(name, value)


def keep_for_back(response: HttpResponse) -> HttpResponse:
    """Let the browser's Back show this very page, with this very key.

    Middleware says that the page varies with the cookies; when one was set since, Back would ask
    for the page again, and a form that was sent would come back as another one.
    """
    response.headers = _Unvaried(dict(response.headers))
    response.headers["Cache-Control"] = "private"
    return response


def _signer(request: HttpRequest) -> TimestampSigner:
    return TimestampSigner(salt=f"truestep.key:{request.user.pk}")


def _is_good(request: HttpRequest, key: str) -> bool:
    try:
        _signer(request).unsign(key, max_age=GOOD_FOR)
    except BadSignature:
        return False
    return True
