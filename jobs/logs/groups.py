"""Groups of lines that a reader can fold: ``::group::Title`` begins one, ``::endgroup::`` ends it.

GitHub's runners take these markers, and many programs print them; Azure's ``##[group]`` means the
same. A group also ends where the next one begins, and with its attempt.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"^(?:::|##\[)(end)?group(?:::|\])(.*)$", re.MULTILINE)


def title_of(line: str) -> str | None:
    """The title of the group that begins with this line, if one does."""
    found = _MARK.match(line) if "group" in line else None
    return found[2].strip() or "Group" if found and not found[1] else None


def is_end(line: str) -> bool:
    found = _MARK.match(line) if "group" in line else None
    return bool(found and found[1])


def after(group: int, text: str, first: int) -> int:
    """The group that is open after these lines, of which *first* is the number of the first.

    A group has the number of the line that begins it; 0: none.
    """
    if "group" not in text:
        return group
    for found in _MARK.finditer(text):
        group = 0 if found[1] else first + text.count("\n", 0, found.start())
    return group
