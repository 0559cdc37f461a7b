"""Cuts the bytes of a step's output into log lines.

A line is stored as it was said: with its colours and redraws, which are ESC and carriage returns.
``screen`` draws them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..runner import LEVELS
from ..text import storable

# Ends a piece of a line that was too long to keep whole. No step can say it: it would be a picture.
CONTINUES = "\x1f"
OVERDRAWN = "\r" + CONTINUES  # … a piece that the next one draws over
OPEN_CHARACTERS = 1000  # kept of a line that has not ended yet
LETTERS = frozenset(LEVELS.values())
LEAST_BYTES = 8  # of a line, so that each piece holds a whole character


class LineCutter:
    """Bytes from a step's output in, whole log lines out.

    Plain text is a line of level info. A record that starts with *marker* is a line written by
    ``run.log`` or ``logging``: ``marker {"l": level letter, "t": text, "more": bool} \\n``. With
    *more*, its text continues in the next record. A line of more than *line_bytes*, as
    it is stored, comes in pieces, cut after a carriage return if there is one.
    """

    def __init__(self, marker: bytes, line_bytes: int) -> None:
        self._marker = marker
        self._limit = max(line_bytes, LEAST_BYTES)
        self._rest = b""
        self._unended = ("", "i")  # the last line of a record that continues

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """The (text, level letter) of each line that *data* completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for raw in whole:
            yield from self._line(raw)
        # So wide that a marker which begins before the cut is whole in it.
        window = self._limit + len(self._marker)
        while len(self._rest) >= window and self._marker not in self._rest[:window]:
            piece, self._rest = self._piece(self._rest)
            yield piece + CONTINUES, "i"

    @property
    def open_line(self) -> str:
        """The newest text that no newline has ended yet, beginning with a redraw if possible."""
        raw = self._rest[-4 * OPEN_CHARACTERS :].partition(self._marker[:1])[0]
        text = storable(raw.decode("utf-8", "ignore"))
        if len(self._rest) <= OPEN_CHARACTERS:
            return text
        text = text[-OPEN_CHARACTERS:]
        redraw = text.partition("\r")[2]
        return redraw if redraw.strip("\r") else text

    def end(self) -> Iterator[tuple[str, str]]:
        """The line that was never ended."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest)
        if self._unended[0]:
            yield from self._record("", self._unended[1], more=False)

    def _line(self, raw: bytes) -> Iterator[tuple[str, str]]:
        before, marked, record = raw.partition(self._marker)
        if before or not marked:
            yield from self._split(before.removesuffix(b"\r"), "i")
        if marked:
            try:
                values = json.loads(record)
            except ValueError:  # torn by another process that wrote at the same moment
                yield from self._split(record.removesuffix(b"\r"), "i")
                return
            level = values["l"] if values["l"] in LETTERS else "i"  # a step has written it itself
            yield from self._record(values["t"], level, values["more"])

    def _record(self, text: str, level: str, more: bool) -> Iterator[tuple[str, str]]:
        *lines, last = (self._unended[0] + text).split("\n")
        self._unended = ("", level)
        if not more:
            lines.append(last)
        for line in lines:
            yield from self._split(storable(line.removesuffix("\r")).encode(), level)
        if more:
            begun = last.removesuffix("\r")  # it may belong to the end of the line
            *pieces, (rest, _) = self._split(storable(begun).encode(), level)
            yield from pieces
            self._unended = (rest + last[len(begun) :], level)

    def _split(self, raw: bytes, level: str) -> Iterator[tuple[str, str]]:
        """A line, in pieces where it is too long. Stored, it is never shorter than *raw*."""
        while len(raw) > self._limit or _size(text := _stored(raw)) > self._limit:
            piece, raw = self._piece(raw)
            yield piece + CONTINUES, level
        yield text, level

    def _piece(self, raw: bytes) -> tuple[str, bytes]:
        """The beginning of *raw* that fits the limit as it is stored, and the rest of *raw*."""
        at = min(self._limit, len(raw))
        while True:
            at = _boundary(raw, at)
            text = _stored(raw[:at])
            if (size := _size(text)) <= self._limit:
                if redrawn := raw.rfind(b"\r", 0, at) + 1:
                    return _stored(raw[:redrawn]), raw[redrawn:]
                return text, raw[at:]
            at = at * self._limit // size


def _stored(raw: bytes) -> str:
    return storable(raw.decode("utf-8", "replace"))


def _size(text: str) -> int:
    return len(text.encode())


def _boundary(raw: bytes, at: int) -> int:
    """The last place up to *at* that is not inside a character of UTF-8."""
    for place in range(at, max(at - 4, 0), -1):
        if place == len(raw) or raw[place] & 0xC0 != 0x80:
            return place
    return at  # not UTF-8
