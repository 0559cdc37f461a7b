"""What a step may return: values that JSON brings back equal."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .text import cut

SHOWN_BYTES = 100  # of a key that an error names
# Within these limits every process can read a result, even if a step changed its own limits.
MAX_DEPTH = 200  # nested lists and dicts
TOO_LARGE = 10**4300  # Python does not parse such an integer
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # two code points that JSON reads as one


def misfit(value: Any, place: str = "result", depth: int = 0) -> str:
    """Which part of *value* JSON would return as another value, and why; else empty."""
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        return f"{place[:SHOWN_BYTES]}… is nested more than {MAX_DEPTH} deep"
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"{place} has the key {cut(to_text(key), SHOWN_BYTES)}, {_describe(key)}"
            if PAIR.search(key):
                return f"{place} has a key with a surrogate pair, which comes back as one character"
            there = f"{place}[{json.dumps(cut(key, SHOWN_BYTES))}]"
            if problem := misfit(item, there, depth + 1):
                return problem
        return ""
    if isinstance(value, list):
        problems = (misfit(item, f"{place}[{n}]", depth + 1) for n, item in enumerate(value))
        return next(filter(None, problems), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{place} is {value}"
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return f"{place} is an integer of more than 4,300 digits"
    if isinstance(value, str) and PAIR.search(value):
        return f"{place} has a surrogate pair, which comes back as one character"
    if value is None or isinstance(value, str | int | float):
        return ""
    return f"{place} is {_describe(value)}"


def to_text(value: object) -> str:
    """``str(value)``, even if its ``__str__`` raises."""
    try:
        return str(value)
    except BaseException as error:
        return f"(its text cannot be shown: {type(error).__name__} in __str__)"


def _describe(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
