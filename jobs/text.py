"""Text is cleaned where it enters, so that every database stores and every page shows the same.

NUL, control characters and lone surrogates cannot be stored or shown everywhere; visible
characters take their places. Text that is too long is cut, with a mark.
"""

from __future__ import annotations

import unicodedata

_VISIBLE: dict[int, str] = {
    code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"
}
_VISIBLE[0x7F] = "\u2421"
_VISIBLE |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000)], "\ufffd")
_STORABLE = {code: sign for code, sign in _VISIBLE.items() if chr(code) not in "\r\x1b"}


def clean(text: str) -> str:
    """*text*, visible, with the line ends of Unix."""
    return visible(text.replace("\r\n", "\n"))


def visible(text: str) -> str:
    """*text* with control characters as their pictures (ESC as ␛) and surrogates as U+FFFD.

    Tabs and newlines stay. A terminal obeys nothing in it.
    """
    return text.translate(_VISIBLE)


def storable(text: str) -> str:
    """*text* as a log keeps it: visible, but for ESC and carriage returns, which stay."""
    return text.translate(_STORABLE)


def cut(text: str, limit: int) -> str:
    """*text* cleaned; of a longer one than *limit* bytes of UTF-8, both ends and a mark."""
    raw = clean(text).encode()
    if len(raw) <= limit:
        return raw.decode()
    head, tail = raw[: limit // 4], raw[-(limit * 3 // 4) :]
    removed = len(raw) - len(head) - len(tail)
    mark = f"\n… {removed:,} bytes cut here …\n"
    return head.decode(errors="ignore") + mark + tail.decode(errors="ignore")


def shorten(text: str, limit: int) -> str:
    """At most *limit* characters of *text*; cut text ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


_ISOLATES = "\u2066\u2067\u2068"  # each open until its PDI
_FSI, _PDI = "\u2068", "\u2069"
_MARKS = dict.fromkeys([0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_REORDERS = {"R", "AL", "AN", "RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}


def isolated(text: str) -> str:
    """*text* for the middle of a sentence, without an effect on the order of the other words.

    Text that is written from right to left, or has marks of direction, is put between two marks
    that it cannot close.
    """
    if text.isascii() or not any(unicodedata.bidirectional(sign) in _REORDERS for sign in text):
        return text
    kept, depth = [], 0
    for sign in text:
        depth += (sign in _ISOLATES) - (sign == _PDI)
        if depth < 0:  # it would close ours
            depth = 0
        else:
            kept.append(sign)
    return _FSI + "".join(kept) + _PDI * (depth + 1)


def without_marks(text: str) -> str:
    """*text* without marks of direction: terminals show them, or obey them too long."""
    return text.translate(_MARKS)
