"""The names of queues, and those that a worker serves."""

from __future__ import annotations

import re

DEFAULT_QUEUE = "default"
QUEUE_NAME = "letters, digits, - and _ (at most 100)"

Served = dict[str, int | None]  # queue → most of the worker's slots, None: all; {}: every queue


def is_queue_name(name: object) -> bool:
    """Whether a queue can have this name."""
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name))


def served_queues(text: str) -> Served:
    """The queues of ``gpu:2,default``: each with the most slots that its steps may take.

    An empty text means every queue. Raises ValueError, saying what is wrong with which part.
    """
    served: Served = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, most = part.partition(":")
        if not is_queue_name(name):
            raise ValueError(f"{name!r} cannot be the name of a queue: it must be {QUEUE_NAME}.")
        if name in served:
            raise ValueError(f"The queue {name} is named twice.")
        if colon and not (most.isdecimal() and 0 < int(most) < 10**6):
            raise ValueError(f"{part!r}: a whole number of slots from 1 on must follow the colon.")
        served[name] = int(most) if colon else None
    return served


def as_text(served: Served) -> str:
    """The inverse of ``served_queues``."""
    return ",".join(name if most is None else f"{name}:{most}" for name, most in served.items())
