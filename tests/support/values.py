"""Comparing values more strictly than ``==`` does."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.db.models import QuerySet


def is_same(one: Any, other: Any) -> bool:
    """Equal and of the same type, down to the zone of a moment."""
    if type(one) is not type(other):
        return False
    if isinstance(one, QuerySet):
        return one.model is other.model and list(one) == list(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, datetime | time):
        return (one, one.fold, str(one.tzinfo)) == (other, other.fold, str(other.tzinfo))
    return repr(one) == repr(other) and (one == other or one != one)
