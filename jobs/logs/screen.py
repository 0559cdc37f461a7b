"""Draws a line as a terminal would show it once all of it was said.

A carriage return goes back to the start of the line, and what follows replaces what is there; a
progress bar that was redrawn a hundred times is one line. Colours stay. Of other commands, those
that move in or erase what this line itself has drawn are obeyed, and the rest is left out: no log
can command a terminal or a page. A program that moves up redraws what it said before, such as the
rows of a download; as the lines above have their numbers and never change, the rows are drawn
again, below them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby

from ..text import visible
from .styles import PLAIN, SGR, Style, changed

Run = tuple[str, Style]  # some text of a row that looks the same

MOST_ROWS = 200  # that a line may move up or down
MOST_COLUMNS = 1000  # that it may move to the right of its text

BACKSPACE = "␈"  # as it is stored
_CONTROL = re.compile(
    r"\x1b(?:"
    r"\[([0-?]*)[ -/]*([@-~])"  # CSI: parameters and what to do
    r"|[\]PX^_][^\x1b␇]*(?:␇|\x1b\\)"  # OSC and other strings: a title, the target of a link
    r"|[()*+\-./][0-~]|[#%][0-9@G]|[78=>DEHMNOZc\\]"  # character sets, modes, resets
    rf")|\r|{BACKSPACE}"
)
# Beside those above, what no log has that this release has written.
_HAS_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{BACKSPACE}]")


def plain(text: str) -> str:
    """The text of a line as it is drawn; of several rows if it moves up or down."""
    if not _HAS_CONTROL.search(text):
        return text
    bare = SGR.sub("", text)
    if "\r" in bare and not _HAS_CONTROL.search(bare.replace("\r", "")):
        return _redrawn(bare)
    if not _HAS_CONTROL.search(bare):
        return bare
    return "\n".join("".join(text for text, _ in row) for row in drawn(text))


def plain_lines(text: str) -> list[str]:
    """The same of each of the lines that newlines join."""
    bare = unstyled(text)
    return list(map(plain, text.split("\n"))) if bare is None else bare.split("\n")


def unstyled(text: str) -> str | None:
    """Lines as they are drawn, if nothing but styles is in them; None: it takes more."""
    bare = SGR.sub("", text) if "\x1b" in text else text
    return None if _HAS_CONTROL.search(bare) else bare


def drawn(text: str, style: Style = PLAIN) -> list[list[Run]]:
    """The rows of a line that begins in this style."""
    if not _HAS_CONTROL.search(text):
        return [[(text, style)]]
    screen = _Screen(style)
    screen.feed(text)
    return list(screen.rows())


def _redrawn(text: str) -> str:
    row = ""
    for part in text.split("\r"):
        row = part + row[len(part) :]
    return row


class _Screen:
    """Rows around the one in which a line begins. Each has its text, and a sign per column that
    says in which style it is."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._styles: dict[Style, str] = {}
        self._rows = {0: ("", "")}
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        at = 0
        for control in _CONTROL.finditer(text):
            if control.start() > at:
                self._write(text[at : control.start()])
            at = control.end()
            self._obey(control[0], control[1], control[2])
        self._write(text[at:])

    def rows(self) -> Iterator[list[Run]]:
        looks = {sign: style for style, sign in self._styles.items()}
        written = [row for row, (text, _) in self._rows.items() if text] or [0]
        for row in range(min(written), max(written) + 1):
            text, signs = self._rows.get(row, ("", ""))
            at, runs = 0, []
            for sign, same in groupby(signs):
                end = at + sum(1 for _ in same)
                runs.append((text[at:end], looks[sign]))
                at = end
            yield runs

    def _obey(self, control: str, parameters: str | None, what: str | None) -> None:
        if control == "\r":
            self._column = 0
        elif control == BACKSPACE:
            self._column = max(0, self._column - 1)
        elif what == "m":
            self._style = changed(self._style, parameters or "")
        elif what in _MOVES:
            first = (parameters or "").split(";")[0]
            _MOVES[what](self, int(first) if first.isdecimal() and len(first) < 6 else 0)

    def _write(self, text: str) -> None:
        text = visible(text)
        if not text:
            return
        sign = self._styles.setdefault(self._style, chr(len(self._styles) + 1))
        before, signs = self._rows.get(self._row, ("", ""))
        if (missing := self._column - len(before)) > 0:
            before += " " * missing
            signs += self._styles.setdefault(PLAIN, chr(len(self._styles) + 1)) * missing
        start, end = self._column, self._column + len(text)
        self._rows[self._row] = (
            before[:start] + text + before[end:],
            signs[:start] + sign * len(text) + signs[end:],
        )
        self._column = end

    def _up(self, count: int) -> None:
        self._row = max(-MOST_ROWS, self._row - max(count, 1))

    def _down(self, count: int) -> None:
        self._row = min(MOST_ROWS, self._row + max(count, 1))

    def _right(self, count: int) -> None:
        self._to_column(self._column + max(count, 1) + 1)

    def _left(self, count: int) -> None:
        self._to_column(self._column - max(count, 1) + 1)

    def _to_column(self, number: int) -> None:
        length = len(self._rows.get(self._row, ("", ""))[0])
        self._column = max(0, min(number - 1, max(length, MOST_COLUMNS)))

    def _to_line_above(self, count: int) -> None:
        self._up(count)
        self._column = 0

    def _to_line_below(self, count: int) -> None:
        self._down(count)
        self._column = 0

    def _erase_in_row(self, which: int) -> None:
        text, signs = self._rows.get(self._row, ("", ""))
        if which == 0:
            text, signs = text[: self._column], signs[: self._column]
        elif which == 1:
            text = " " * min(self._column + 1, len(text)) + text[self._column + 1 :]
        elif which == 2:
            text = signs = ""
        self._rows[self._row] = (text, signs)

    def _erase_below(self, which: int) -> None:
        if which == 0:  # a whole screen that is cleared stays in a log
            self._erase_in_row(0)
            self._rows = {row: its for row, its in self._rows.items() if row <= self._row}


_MOVES: dict[str | None, Callable[[_Screen, int], None]] = {
    "A": _Screen._up,
    "B": _Screen._down,
    "C": _Screen._right,
    "D": _Screen._left,
    "E": _Screen._to_line_below,
    "F": _Screen._to_line_above,
    "G": _Screen._to_column,
    "J": _Screen._erase_below,
    "K": _Screen._erase_in_row,
}
