"""One intent is done once: who asks for it again is told what came of it the first time.

With what it asks for, in the same transaction, goes a row that remembers the intent. Of two
requests at the same moment, the unique digest of that row lets one through; the other one's
transaction leaves nothing, and it finds the row.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from django.utils import timezone

from . import crashpoints, database, keys
from .models import Intent

T = TypeVar("T")
KEPT_FOR = keys.GOOD_FOR + timedelta(days=1)  # longer than any key is good
PRUNED_AT_ONCE = 10


def once(intent: str, do: Callable[[], T], recall: Callable[[Any], T]) -> T:
    """What *do* returns; or, of an intent that is done already, *recall* of its result.

    *do* passes the intent on to ``record``. An empty intent is done each time.
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
    """Remember an intent and its result, in the transaction that does what it asks for.

    Raises IntegrityError when another request has done it. Rows that no key can ask for any more
    make room.
    """
    Intent.objects.create(digest=_digest(intent), result=result)
    crashpoints.reach("intent.written")
    old = Intent.objects.filter(at__lt=timezone.now() - KEPT_FOR).order_by("at")
    chosen = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
    if ids := list(chosen[:PRUNED_AT_ONCE]):
        Intent.objects.filter(pk__in=ids).delete()


def _find(intent: str) -> Intent | None:
    return Intent.objects.filter(digest=_digest(intent)).first()


def _digest(intent: str) -> str:
    return sha256(intent.encode()).hexdigest()
