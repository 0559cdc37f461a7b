"""Reads a step's log by line number, or as text.

What is stored may colour and redraw a terminal. Every reader but the raw text gets lines as they
are drawn, so that no log can command a terminal or a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.safestring import SafeString

from ..models import LogChunk
from . import groups, screen, styles
from .book import CHUNK_LINES
from .cutting import CONTINUES, OVERDRAWN
from .markup import html_of
from .styles import PLAIN, Style

CHUNKS_AT_ONCE = 20  # in one read of a whole log
LINES_AT_ONCE = 500  # of a level; a chunk more at most
MOST_PASSED = 200_000  # lines that one read of a level passes over
AT_LEAST = {letter: frozenset("diwec"["diwec".index(letter) :]) for letter in "diwec"}
CONTINUES_SHOWN = " …⏎"


@dataclass(frozen=True)
class Line:
    number: int
    said: str  # as it is stored
    level: str  # one of LEVELS' letters
    at: int  # milliseconds since 1970, UTC
    attempt: int
    style: Style = PLAIN  # in which it begins
    group: int = 0  # the number of the line with which its group begins; 0: it is in none

    @property
    def title(self) -> str | None:
        """The title of the group that begins with it, if one does."""
        return groups.title_of(self.said)

    @property
    def is_shown(self) -> bool:
        return is_shown(self.said)

    @property
    def text(self) -> str:
        """As it is drawn; some lines have several rows."""
        return screen.plain(_shown(self.said))

    @property
    def html(self) -> SafeString:
        """The same, with how it looks."""
        return html_of(screen.drawn(_shown(self.said), self.style))


def is_shown(said: str) -> bool:
    """Whether a line has to be shown: not the end of a group, nor what the next one draws over."""
    return not (said.endswith(OVERDRAWN) or groups.is_end(said))


def _shown(said: str) -> str:
    return said.replace(CONTINUES, CONTINUES_SHOWN)


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


def read_level(step_id: int, first: int, end: int, level: str) -> tuple[list[Line], int]:
    """The lines that are at least at a level, from *first* to *end*, and how far that was read.

    It ends early after LINES_AT_ONCE of them, or MOST_PASSED lines.
    """
    wanted, last = AT_LEAST[level], first - 1
    lines: list[Line] = []
    for chunk in _levels(step_id, first, end):
        if len(lines) >= LINES_AT_ONCE:
            break
        last = min(chunk.last, end)
        if not wanted.isdisjoint(chunk.levels):
            numbers = range(max(chunk.first, first), last + 1)
            lines += [
                line for line in read(step_id, numbers.start, len(numbers)) if line.level in wanted
            ]
    return lines, last


def start_of_newest(step_id: int, count: int, end: int, level: str) -> int:
    """From where on there are so many lines of a level up to *end*, or MOST_PASSED of any."""
    wanted, start, found = AT_LEAST[level], end + 1, 0
    chunks = LogChunk.objects.filter(step=step_id, last__gt=end - MOST_PASSED).order_by("-first")
    levels = chunks.values_list("first", "levels")
    while found < count and (some := list(levels.filter(first__lt=start)[:CHUNKS_AT_ONCE])):
        for first, letters in some:
            start = first
            found += sum(letters.count(letter) for letter in wanted)
            if found >= count:
                break
    return start


class _Levels(NamedTuple):
    first: int
    last: int
    levels: str


def _levels(step_id: int, first: int, end: int) -> Iterator[_Levels]:
    chunks = LogChunk.objects.filter(
        step=step_id, first__gt=first - CHUNK_LINES, first__lte=min(end, first + MOST_PASSED)
    )
    some = chunks.filter(last__gte=first).order_by("first")
    return (_Levels(*values) for values in some.values_list("first", "last", "levels"))


def read_some(step_id: int, numbers: Iterable[int]) -> Iterator[Line]:
    """The lines with these numbers, which rise. Each chunk of them is one read."""
    lines: dict[int, Line] = {}
    for number in numbers:
        if number not in lines:
            chunks = LogChunk.objects.filter(step=step_id, first__lte=number, last__gte=number)
            lines = {line.number: line for chunk in chunks for line in _lines_of(chunk)}
        if number in lines:
            yield lines[number]


def _lines_of(chunk: LogChunk) -> Iterator[Line]:
    numbers = range(chunk.first, chunk.last + 1)
    style, group = Style.of(chunk.style), chunk.in_group
    has_groups = "group" in chunk.text
    for number, said, level, at in zip(
        numbers, chunk.lines(), chunk.levels, chunk.times, strict=True
    ):
        title = groups.title_of(said) if has_groups else None
        group = 0 if title else group
        yield Line(number, said, level, at, chunk.attempt, style, group)
        if "\x1b" in said:
            style = styles.after(style, said)
        if has_groups:
            group = groups.after(group, said, number)


def text_of(step_id: int, attempt: int | None = None, *, raw: bool = False) -> Iterator[str]:
    """The whole log as text, a chunk at a time; of one attempt only, when given.

    *raw* is as the step has said it, with what commands a terminal.

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
            yield _raw(text) if raw else _drawn(text)
        last, _ = some[-1]


def _raw(text: str) -> str:
    return f"{text}\n".replace(f"{CONTINUES}\n", "")


def _drawn(text: str) -> str:
    if CONTINUES in text:
        kept = [line for line in text.split("\n") if not line.endswith(OVERDRAWN)]
        text = _shown("\n".join(kept))
        if not kept:
            return ""
    return "\n".join(screen.plain_lines(text)) + "\n"
