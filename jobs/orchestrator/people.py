"""Who asks, and the reason that they give."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..text import clean, shorten

WHY = 500  # characters of a reason that the journal keeps


def name_of(actor: Any) -> str:
    """Who asks, for the history: the number of a user whose name is empty or raises."""
    name = ""
    with suppress(Exception):  # __str__ is the project's own code
        name = clean(str(actor)).strip()
    number = getattr(actor, "pk", None)
    return name or ("" if number is None else f"user {number}")


def kept(why: str) -> str | None:
    """As much of a given reason as the journal keeps; None when none was given."""
    return shorten(clean(why), WHY) or None
