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
MOST_PASSED = 200_000  # lines that one read of chosen ones passes over
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


@dataclass(frozen=True)
class Choice:
    """Lines that are at least at a level, and in none of the groups that are folded."""

    level: str = "d"
    folded: frozenset[int] = frozenset()

    def has(self, line: Line) -> bool:
        return line.level in AT_LEAST[self.level] and line.group not in self.folded


def read_chosen(
    step_id: int, choice: Choice, first: int, end: int, most: int
) -> tuple[list[Line], int]:
    """About so many chosen lines from *first* to *end*, and how far was read for them.

    It ends early after MOST_PASSED lines.
    """
    lines: list[Line] = []
    last = first - 1
    chunks = _outlines(
        step_id, first__gt=first - CHUNK_LINES, first__lte=min(end, first + MOST_PASSED)
    )
    for chunk, is_folded in _with_folded(choice, [each for each in chunks if each.last >= first]):
        if len(lines) >= most:
            break
        last = min(chunk.last, end)
        if not (is_folded or AT_LEAST[choice.level].isdisjoint(chunk.levels)):
            numbers = range(max(chunk.first, first), last + 1)
            read_now = read(step_id, numbers.start, len(numbers))
            lines += [line for line in read_now if choice.has(line)]
    return lines, last


def start_of_newest(step_id: int, choice: Choice, count: int, end: int) -> int:
    """From where on there are about so many chosen lines up to *end*, or MOST_PASSED of any."""
    start, found = end + 1, 0
    chunks = _outlines(step_id, last__gt=end - MOST_PASSED, first__lte=end)
    for chunk, is_folded in reversed(_with_folded(choice, chunks)):
        start = chunk.first
        found += 0 if is_folded else sum(map(chunk.levels.count, AT_LEAST[choice.level]))
        if found >= count:
            break
    return start


class _Outline(NamedTuple):
    """A chunk without its text."""

    first: int
    last: int
    levels: str
    in_group: int


def _outlines(step_id: int, **where: int) -> list[_Outline]:
    chunks = LogChunk.objects.filter(step=step_id, **where).order_by("first")
    return [_Outline(*values) for values in chunks.values_list(*_Outline._fields)]


def _with_folded(choice: Choice, chunks: list[_Outline]) -> list[tuple[_Outline, bool]]:
    """Each chunk, and whether all of it is in a folded group: the one behind is in it, too."""
    groups = [chunk.in_group for chunk in chunks[1:]] + [0]
    return [
        (chunk, chunk.in_group == group and group in choice.folded)
        for chunk, group in zip(chunks, groups, strict=True)
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
