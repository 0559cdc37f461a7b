"""A line as HTML: styles are classes, everything else is text."""

from __future__ import annotations

import html
from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe

from .screen import Run
from .styles import Style, classes


def html_of(rows: Iterable[Iterable[Run]]) -> SafeString:
    """The rows of a line that was drawn, between newlines."""
    text = "\n".join("".join(_piece(text, style) for text, style in row) for row in rows)
    return mark_safe(text)  # noqa: S308  (each piece is escaped)


def _piece(text: str, style: Style) -> str:
    escaped = html.escape(text)
    names = classes(style)
    return f'<span class="{names}">{escaped}</span>' if names else escaped
