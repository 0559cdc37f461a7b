"""Hints that there may be work, for an engine whose workers have to be told.

A hint names a queue and nothing else. It may be lost, doubled, late or unsent: who gets one looks
at the rows, and looks there every few seconds anyway. Embedded workers need none, because they
notice commits by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from . import database

Send = Callable[[Collection[str]], None]

_send: Send | None = None


def send_with(send: Send | None) -> None:
    """Have *send* called for each hint from now on. It must return at once and never raise."""
    global _send
    _send = send


def is_wanted() -> bool:
    """Whether anyone has to be told."""
    return _send is not None


def announce(queues: Collection[str]) -> None:
    """There will be ready steps in these queues after the commit of the current transaction."""
    if (send := _send) and queues:
        # Not a partial: Django logs a robust callback that fails by its name.
        database.on_commit(lambda: send(queues))
