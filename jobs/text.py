"""Text is cleaned once, at the edge, so that every database stores and every page shows the same.

NUL, control characters and lone surrogates cannot be stored or shown alike everywhere; they are
made visible. What is too long is cut, and says so.
"""

from __future__ import annotations

from typing import Any

_VISIBLE: dict[int, str] = {
    code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"
}
_VISIBLE[0x7F] = "\u2421"
_VISIBLE |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000)], "\ufffd")


def clean(text: str) -> str:
    """*text* with control characters as their pictures (ESC as ␛) and surrogates as U+FFFD."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def cut(text: str, limit: int) -> str:
    """*text* cleaned, at most *limit* bytes of UTF-8 from its two ends; the cut is marked."""
    raw = clean(text).encode()
    if len(raw) <= limit:
        return raw.decode()
    head, tail = raw[: limit // 4], raw[-(limit * 3 // 4) :]
    removed = len(raw) - len(head) - len(tail)
    mark = f"\n… {removed:,} bytes cut here …\n"
    return head.decode(errors="ignore") + mark + tail.decode(errors="ignore")


def shorten(text: str, limit: int) -> str:
    """At most *limit* characters of *text*; what is cut ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_json(value: Any) -> Any:
    """*value* (JSON data) with every string in it cleaned, keys included."""
    match value:
        case str():
            return clean(value)
        case list():
            return [clean_json(item) for item in value]
        case dict():
            return {clean(key): clean_json(item) for key, item in value.items()}
    return value
