"""Cuts the bytes of a step's output into log lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..text import clean

CONTINUES = " …⏎"  # ends a piece of a line that was too long to keep whole


class LineCutter:
    """Bytes from a step's output in, whole log lines out.

    Plain text is a line of level info. A record that starts with *marker* is a line written by
    ``run.log`` or ``logging``: ``marker {"l": level letter, "t": text, "more": bool} \\n``. With
    *more*, its text goes on in the next record.
    """

    def __init__(self, marker: bytes, line_bytes: int) -> None:
        self._marker = marker
        self._limit = line_bytes
        self._rest = b""
        self._unended = ("", "i")  # the last line of a record that goes on

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """The (text, level letter) of each line that *data* completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for raw in whole:
            yield from self._line(raw)
        # So wide that a marker which begins before the cut is whole in it.
        window = self._limit + len(self._marker)
        while len(self._rest) >= window and self._marker not in self._rest[:window]:
            piece, self._rest = self._piece(self._rest)
            yield clean(piece) + CONTINUES, "i"

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
            yield from self._split(before, "i")
        if marked:
            try:
                values = json.loads(record)
            except ValueError:  # torn by another process that wrote at the same moment
                yield from self._split(record, "i")
                return
            yield from self._record(values["t"], values["l"], values["more"])

    def _record(self, text: str, level: str, more: bool) -> Iterator[tuple[str, str]]:
        *lines, last = (self._unended[0] + text).split("\n")
        self._unended = ("", level)
        if not more:
            lines.append(last)
        for line in lines:
            yield from self._split(clean(line.removesuffix("\r")).encode(), level)
        if more:
            begun = last.removesuffix("\r")  # it may belong to the end of the line
            *pieces, (rest, _) = self._split(clean(begun).encode(), level)
            yield from pieces
            self._unended = (rest + last[len(begun) :], level)

    def _split(self, raw: bytes, level: str) -> Iterator[tuple[str, str]]:
        raw = raw.removesuffix(b"\r")
        while len(raw) > self._limit:
            piece, raw = self._piece(raw)
            yield clean(piece) + CONTINUES, level
        yield clean(raw.decode("utf-8", "replace")), level

    def _piece(self, raw: bytes) -> tuple[str, bytes]:
        """The first *limit* bytes, not ending inside a character, and the rest."""
        at = self._limit
        while at > self._limit - 4 and raw[at] & 0xC0 == 0x80:
            at -= 1
        return raw[:at].decode("utf-8", "replace"), raw[at:]
