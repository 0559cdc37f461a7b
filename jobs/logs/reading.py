"""Reads a step's log by line number, or as text.

What is stored may colour and redraw a terminal. Every reader but the raw text gets lines as they
are drawn, so that no log can command a terminal or a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString

from ..models import LogChunk
from . import groups, screen, styles
from .book import CHUNK_LINES
from .cutting import CONTINUES, OVERDRAWN
from .markup import html_of
from .styles import PLAIN, Style

CHUNKS_AT_ONCE = 20  # in one read of a whole log
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
        """Whether a page has to show it: not what only commands the page, or is drawn over."""
        return not (self.is_overdrawn or groups.is_end(self.said))

    @property
    def is_overdrawn(self) -> bool:
        """Whether it is a piece of a progress bar that the next line draws over."""
        return self.said.endswith(OVERDRAWN)

    @property
    def text(self) -> str:
        """As it is drawn; some lines have several rows."""
        return screen.plain(_shown(self.said))

    @property
    def html(self) -> SafeString:
        """The same, with how it looks."""
        return html_of(screen.drawn(_shown(self.said), self.style))


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
