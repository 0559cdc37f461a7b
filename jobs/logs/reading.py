"""Reads a step's log by line number, or as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..models import LogChunk
from .book import CHUNK_LINES


@dataclass(frozen=True)
class Line:
    number: int
    text: str
    level: str  # one of LEVELS' letters
    at: int  # milliseconds since 1970, UTC
    attempt: int


def read(step_id: int, first: int, count: int) -> list[Line]:
    """Up to *count* lines of a step's log from number *first* on."""
    chunks = LogChunk.objects.filter(
        step=step_id, first__gt=first - CHUNK_LINES, first__lt=first + count, last__gte=first
    )
    return [
        Line(number, text, level, at, chunk.attempt)
        for chunk in chunks.order_by("first")
        for number, text, level, at in zip(
            range(chunk.first, chunk.last + 1),
            chunk.lines(),
            chunk.levels,
            chunk.times,
            strict=True,
        )
        if first <= number < first + count
    ]


def text_of(step_id: int, attempt: int | None = None) -> Iterator[str]:
    """The whole log as text, a chunk at a time; of one attempt only, when given."""
    chunks = LogChunk.objects.filter(step=step_id).order_by("first")
    if attempt is not None:
        chunks = chunks.filter(attempt=attempt)
    for text in chunks.values_list("text", flat=True).iterator(chunk_size=20):
        yield text + "\n"
