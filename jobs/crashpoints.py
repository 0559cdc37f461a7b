"""Crash points: named places between two statements where tests stop, fail or kill the process.

In production nothing happens at them. A name says which operation and how far it has come, such as
``finish.journal_written``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_hook: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """The process has come to the crash point of this name."""
    if _hook is not None:
        _hook(name)


@contextmanager
def watched(hook: Callable[[str], None]) -> Iterator[None]:
    """Inside, *hook* is called with the name of each crash point that any thread reaches."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
