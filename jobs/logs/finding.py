"""Finds lines in the logs of steps by text and level: some at a time, so that no search is long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..models import LogChunk
from . import screen
from .cutting import CONTINUES
from .reading import AT_LEAST, CHUNKS_AT_ONCE, is_shown

LINES_AT_ONCE = 200_000  # about so many are searched by one call, of …
STEPS_AT_ONCE = 500  # … so many steps


@dataclass(frozen=True)
class Wanted:
    """What to look for: lines that have *text*, in lower case, and are at least at *level*."""

    text: str = ""
    level: str = "d"  # one of LEVELS' letters


class Place(NamedTuple):
    """A line of a step's log."""

    step: int  # its id
    line: int


@dataclass
class Found:
    """What one call has found, and where the next one goes on; None: there is no more."""

    hits: dict[int, list[int]] = field(default_factory=dict)  # step → numbers of lines
    searched: int = 0  # lines
    next: Place | None = None


def find(wanted: Wanted, steps: Sequence[int], start: Place | None = None) -> Found:
    """Look through the logs of these steps, in this order, from *start* on."""
    found = Found()
    first = steps.index(start.step) if start and start.step in steps else 0
    for number, step in enumerate(steps[first:]):
        if number == STEPS_AT_ONCE:
            found.next = Place(step, 1)
            return found
        line = start.line if start and start.step == step else 1
        for chunk in _chunks(step, line):
            begin = max(chunk.first, line)
            if found.searched >= LINES_AT_ONCE:
                found.next = Place(step, begin)
                return found
            found.searched += chunk.last - begin + 1
            numbers = [number for number in _matches(wanted, chunk) if number >= line]
            if numbers:
                found.hits.setdefault(step, []).extend(numbers)
    return found


class _Chunk(NamedTuple):
    first: int
    last: int
    levels: str
    text: str


def _chunks(step: int, line: int) -> Iterator[_Chunk]:
    """The chunks of a step's log from this line on; no read of the database lasts long."""
    chunks = LogChunk.objects.filter(step=step).order_by("first")
    wanted = chunks.values_list("first", "last", "levels", "text")
    last = (chunks.filter(first__lte=line).values_list("first", flat=True).last() or 1) - 1
    while some := list(wanted.filter(first__gt=last)[:CHUNKS_AT_ONCE]):
        for values in some:
            chunk = _Chunk(*values)
            if chunk.last >= line:
                yield chunk
        last = some[-1][1]


def _matches(wanted: Wanted, chunk: _Chunk) -> list[int]:
    """The numbers of the lines of a chunk that are wanted."""
    levels = AT_LEAST[wanted.level]
    if levels.isdisjoint(chunk.levels):
        return []
    bare = screen.unstyled(chunk.text)
    if bare is not None and wanted.text not in bare.lower():
        return []
    lines = screen.plain_lines(chunk.text) if bare is None else bare.split("\n")
    numbers = range(chunk.first, chunk.last + 1)
    found = [
        number
        for number, line, level in zip(numbers, lines, chunk.levels, strict=True)
        if level in levels and wanted.text in line.lower()
    ]
    if CONTINUES in chunk.text or "group" in chunk.text:
        said = chunk.text.split("\n")
        found = [number for number in found if is_shown(said[number - chunk.first])]
    return found
