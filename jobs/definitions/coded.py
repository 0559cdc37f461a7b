"""The form in which values are kept: JSON from which the same value comes back, of the same type.

JSON has text, numbers, true, false, null and lists of these. Everything else is an object with one
key, which begins with ``$`` and names the type: ``{"$date": "2026-01-02"}``. A database object is
kept as its primary key and fetched again where it is needed.
"""

from __future__ import annotations

from typing import Any

Coded = Any  # JSON


class CannotBeKept(Exception):
    """The value would not come back equal; the text says which one and why."""


class Lost(Exception):
    """The value that was kept is no longer available; the text says what is missing and why."""
