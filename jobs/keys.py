"""The key in a form: two requests with the same key come from the same form, so from one intent.

A key is made when a form is opened, for the user who opened it. It is signed, not stored, so a form
that is never sent leaves nothing behind. ``intents`` carries out an intent only once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from .exceptions import KeyRefused

KEY = "truestep-key"  # with a hyphen, so that no parameter of a definition has this name
GOOD_FOR = timedelta(days=7)
_CSRF = "csrfmiddlewaretoken"


def key_for(request: HttpRequest) -> str:
    """The key for the forms in the response: the one that was sent, or a new one.

    A form that is shown again because of an error is still the same intent.
    """
    sent = request.POST.get(KEY, "")
    return sent if _is_good(request, sent) else _signer(request).sign(secrets.token_urlsafe(12))


def intent_of(request: HttpRequest, *asked: Any) -> str:
    """A text that is equal for requests that ask for the same thing with the same key.

    Empty without a key: the request comes from a program, and each one is an intent. Raises
    KeyRefused when the key has expired or belongs to another user.
    """
    sent = request.POST.get(KEY)
    if sent is None:
        return ""
    if not _is_good(request, sent):
        raise KeyRefused(GOOD_FOR.days)
    return json.dumps([sent, *asked])


def values_of(request: HttpRequest, secret: Collection[str] = ()) -> list[tuple[str, str]]:
    """Everything that was sent, except the tokens: every response has new ones.

    Of *secret* controls, it has what is equal for equal values alone.
    """
    sent = sorted(request.POST.lists())
    return [
        (name, _mark_of(value) if name in secret else value)
        for name, values in sent
        if name not in (KEY, _CSRF)
        for value in values
    ]


def _mark_of(value: str) -> str:
    return salted_hmac("truestep.key", value, algorithm="sha256").hexdigest()


def _signer(request: HttpRequest) -> TimestampSigner:
    return TimestampSigner(salt=f"truestep.key:{request.user.pk}")


def _is_good(request: HttpRequest, key: str) -> bool:
    try:
        _signer(request).unsign(key, max_age=GOOD_FOR)
    except BadSignature:
        return False
    return True
