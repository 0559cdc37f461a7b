"""How text looks in a terminal: SGR sequences, and the classes that show the same on the page.

A strict Content-Security-Policy allows no style of a single element, and a page is light or dark.
So each colour becomes one of the sixteen that every terminal names, and the style sheet says how
these look.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

SGR = re.compile(r"\x1b\[([0-9;:]*)m")

BOLD, DIM, ITALIC, UNDERLINE, INVERSE, STRUCK = (1 << bit for bit in range(6))
_ON = {1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: INVERSE, 9: STRUCK, 21: UNDERLINE}
_OFF = {22: BOLD | DIM, 23: ITALIC, 24: UNDERLINE, 27: INVERSE, 29: STRUCK}
_NAMES = {BOLD: "bold", DIM: "dim", ITALIC: "italic", UNDERLINE: "underline", STRUCK: "struck"}
_RESETS = ("\x1b[0m", "\x1b[m")

_BLACK, _GREY, _SILVER, _WHITE = 0, 8, 7, 15
# Red, yellow, green, cyan, blue, magenta and red again, each up to so many degrees.
_HUES = ((25, 1), (72, 3), (160, 2), (200, 6), (262, 4), (340, 5), (361, 1))
_BRIGHTER = 8
_CUBE = (0, 95, 135, 175, 215, 255)  # the steps of the 216 colours from number 16 on
_GREYEST = 0.2  # saturation: below, it is a grey


class Style(NamedTuple):
    """How text looks: two of the sixteen colours, or None, and what is switched on."""

    colour: int | None = None
    ground: int | None = None
    marks: int = 0

    @classmethod
    def of(cls, codes: str) -> Style:
        """What an SGR sequence with these parameters makes of plain text."""
        return changed(PLAIN, codes) if codes else PLAIN

    @property
    def codes(self) -> str:
        """The parameters of the SGR sequence that switches from plain to this; empty: plain."""
        codes = [code for code, mark in _ON.items() if self.marks & mark and code != 21]
        for base, colour in ((30, self.colour), (40, self.ground)):
            if colour is not None:
                codes.append(base + colour if colour < _BRIGHTER else base + 52 + colour)
        return ";".join(map(str, codes))


PLAIN = Style()


@lru_cache(maxsize=4096)
def changed(style: Style, codes: str) -> Style:
    """*style* after an SGR sequence with these parameters."""
    colour, ground, marks = style
    numbers = iter(codes.split(";"))
    for code in numbers:
        first, *further = code.split(":")
        number = int(first or 0)
        if number == 0:
            colour, ground, marks = PLAIN
        elif number in _ON:
            is_off = number == 4 and further[:1] == ["0"]
            marks = marks & ~UNDERLINE if is_off else marks | _ON[number]
        elif number in _OFF:
            marks &= ~_OFF[number]
        elif number in (38, 48, 58):  # the last: of the underline, which has no class
            found = _of_many(further or _operands(numbers))
            colour = found if number == 38 else colour
            ground = found if number == 48 else ground
        elif 30 <= number <= 39 or 90 <= number <= 97:
            colour = _of_sixteen(number, 30)
        elif 40 <= number <= 49 or 100 <= number <= 107:
            ground = _of_sixteen(number, 40)
    return Style(colour, ground, marks)


def after(style: Style, text: str) -> Style:
    """*style* after all SGR sequences in the text."""
    if "\x1b" not in text:
        return style
    start = max(map(text.rfind, _RESETS))
    if start >= 0:
        style = PLAIN
    for codes in SGR.findall(text, max(start, 0)):
        style = changed(style, codes)
    return style


@lru_cache(maxsize=1024)
def classes(style: Style) -> str:
    """The classes of an element with such text; empty for plain text."""
    colour, ground, marks = style
    if marks & INVERSE:
        colour, ground = ground, colour
    names = [name for mark, name in _NAMES.items() if marks & mark]
    names += [f"fg-{colour}"] if colour is not None else []
    names += [f"bg-{ground}"] if ground is not None else []
    if marks & INVERSE and colour is None and ground is None:
        names.append("inverse")
    return " ".join(names)


def _of_sixteen(number: int, base: int) -> int | None:
    if number == base + 9:
        return None
    return number - base if number < base + 9 else number - base - 52


def _operands(codes: Iterator[str]) -> list[str]:
    """What belongs to the 38 or 48 before: ``5;n`` or ``2;red;green;blue``."""
    kind = next(codes, "")
    return [kind, *islice(codes, {"5": 1, "2": 3}.get(kind, 0))]


def _of_many(operands: list[str]) -> int | None:
    """One of the sixteen for one of 256, or for a red, green and blue; None for nonsense."""
    kind, *given = operands
    values = [min(int(value), 255) for value in given if value]
    if kind == "5" and values:
        return _of_256(values[0])
    return nearest(*values[-3:]) if kind == "2" and len(values) >= 3 else None


def _of_256(number: int) -> int:
    if number < 16:
        return number
    if number >= 232:
        return nearest(*[8 + 10 * (number - 232)] * 3)
    red, rest = divmod(number - 16, 36)
    return nearest(_CUBE[red], _CUBE[rest // 6], _CUBE[rest % 6])


def nearest(red: int, green: int, blue: int) -> int:
    """The one of the sixteen colours that people would call by the same name."""
    hue, lightness, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    if saturation < _GREYEST or not 0.06 < lightness < 0.97:
        steps = ((0.25, _BLACK), (0.6, _GREY), (0.9, _SILVER), (2.0, _WHITE))
        return next(grey for most, grey in steps if lightness < most)
    named = next(colour for most, colour in _HUES if hue * 360 < most)
    return named + _BRIGHTER if lightness >= 0.5 else named
