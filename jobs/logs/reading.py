"""Reads a step's log by line number, or as text.

What is stored may colour and redraw a terminal. Every reader gets lines in which that is visible
instead, so that no log can command a terminal or a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..models import LogChunk
from ..text import visible
from .book import CHUNK_LINES

CHUNKS_AT_ONCE = 20  # in one read of a whole log


@dataclass(frozen=True)
class Line:
    number: int
    text: str  # visible
    level: str  # one of LEVELS' letters
    at: int  # milliseconds since 1970, UTC
    attempt: int


def read(step_id: int, first: int, count: int) -> list[Line]:
    """Up to *count* lines of a step's log from number *first* on."""
    chunks = LogChunk.objects.filter(
        step=step_id, first__gt=first - CHUNK_LINES, first__lt=first + count, last__gte=first
    )
    return [
        line
        for chunk in chunks.order_by("first")
        for line in _lines_of(chunk)
        if first <= line.number < first + count
    ]


def _lines_of(chunk: LogChunk) -> Iterator[Line]:
    numbers = range(chunk.first, chunk.last + 1)
    for number, text, level, at in zip(
        numbers, chunk.lines(), chunk.levels, chunk.times, strict=True
    ):
        yield Line(number, visible(text), level, at, chunk.attempt)


def text_of(step_id: int, attempt: int | None = None) -> Iterator[str]:
    """The whole log as text, a chunk at a time; of one attempt only, when given.

    No read lasts longer than some chunks take, however slowly they are used: a long one would keep
    SQLite from clearing its write-ahead log, and PostgreSQL its tables.
    """
    chunks = LogChunk.objects.filter(step=step_id).order_by("first")
    if attempt is not None:
        chunks = chunks.filter(attempt=attempt)
    last = 0
    wanted = chunks.values_list("last", "text")
    while some := list(wanted.filter(first__gt=last)[:CHUNKS_AT_ONCE]):
        for _, text in some:
            yield visible(text) + "\n"
        last, _ = some[-1]
