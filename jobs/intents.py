"""An intent is carried out once; a request that repeats it gets the result of the first one.

The request and a row for its intent are written in one transaction. When two requests arrive at the
same moment, the unique digest lets one of them commit; the other rolls back and finds that row.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from django.utils import timezone

from . import crashpoints, database, keys
from .models import Intent

T = TypeVar("T")
KEPT_FOR = keys.GOOD_FOR + timedelta(days=1)  # longer than any key is valid
DELETED_PER_INTENT = 10  # old rows


def once(intent: str, do: Callable[[], T], recall: Callable[[Any], T]) -> T:
    """Return what *do* returns or, when the intent has been carried out, *recall* of its result.

    *do* has to call ``record`` in its transaction. Without an intent it is called each time.
    """
    if not intent:
        return do()
    first = _find(intent)
    if first is None:
        try:
            return do()
        except Exception:
            with suppress(*database.DATABASE_ERRORS):
                first = _find(intent)
            if first is None:
                raise
    return recall(first.result)


def record(intent: str, result: Any) -> None:
    """Store an intent and its result, in the transaction that carries it out.

    Raises IntegrityError when another request has carried it out. Also deletes a few rows that no
    valid key can refer to.
    """
    Intent.objects.create(digest=_digest(intent), result=result)
    crashpoints.reach("intent.written")
    old = Intent.objects.filter(at__lt=_oldest_kept()).order_by("at")
    chosen = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
    if ids := list(chosen[:DELETED_PER_INTENT]):
        Intent.objects.filter(pk__in=ids).delete()


def document(intent: str) -> dict[str, Any]:
    """What a function of the database needs to do as ``record`` does; empty without an intent."""
    if not intent:
        return {}
    return {"digest": _digest(intent), "at": timezone.now(), "oldest_kept": _oldest_kept()}


def _find(intent: str) -> Intent | None:
    return Intent.objects.filter(digest=_digest(intent)).first()


def _oldest_kept() -> datetime:
    return timezone.now() - KEPT_FOR


def _digest(intent: str) -> str:
    return sha256(intent.encode()).hexdigest()
