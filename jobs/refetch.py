"""Fetches of a page by its own script, which takes over what has changed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpRequest

HEADER = "X-Truestep-Refetch"  # sent by refetch.js


def is_refetch(request: HttpRequest) -> bool:
    return HEADER in request.headers


def keep_messages(request: HttpRequest) -> None:
    """Keep the messages for the next page that a person loads.

    Call it after rendering, which marks them as shown.
    """
    stored = messages.get_messages(request)
    if isinstance(stored, BaseStorage):  # without its middleware, an empty list
        stored.used = False
