"""From rows to HTML, with the same partials that paint the page first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.contrib.staticfiles import finders
from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html

from ..logs import Line
from ..sight.job import Sight
from ..sight.steps import ATTEMPTS_SHOWN
from ..statuses import Status

ROWS_PER_FRAME = 200
BYTES_PER_FRAME = 256 * 1024  # a frame ends with the row or line that reaches this


def context_of(sight: Sight) -> dict[str, Any]:
    """What the partials of a job need."""
    return {
        "sight": sight,
        "job": sight.job,
        "counts": _in_order(sum(sight.counts.values(), Counter())),
        "attempts_shown": ATTEMPTS_SHOWN,
        "parts": [(part, _in_order(counts)) for part, counts in sight.counts.items()],
    }


def _in_order(counts: Counter[str]) -> list[tuple[Status, int]]:
    return [(status, counts[status]) for status in Status if counts[status]]


def frames(sight: Sight) -> Iterator[dict[str, Any]]:
    """The ``changes`` frames for what is new in a sight; only the last one moves the position."""
    parts = list(_parts(_rows(sight))) if sight.journal else []
    for number, html in enumerate(parts, 1):
        last = number == len(parts)
        yield {
            "type": "changes",
            "since": sight.since,
            "seq": sight.seq if last else sight.since,
            "tag": sight.tag if last else "",
            "html": html,
        }


def _rows(sight: Sight) -> Iterator[str]:
    context = context_of(sight)
    for row in sight.steps:
        yield _render("_step", context | {"row": row})
        for attempt in row.attempts:
            yield _render("_attempt", {"step": row.step, "one": attempt})
    for entry in sight.journal:
        yield _render("_entry", {"entry": entry})
    yield _render("_job", context)


def _render(partial: str, context: dict[str, Any]) -> str:
    """Without localised numbers, as on the page: an id of "1,501" is none."""
    template: Any = get_template(f"truestep/{partial}.html")
    return str(template.template.render(Context(context, use_l10n=False)))


def _parts(rows: Iterable[str]) -> Iterator[str]:
    part: list[str] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(row.encode())
        if len(part) == ROWS_PER_FRAME or size >= BYTES_PER_FRAME:
            yield "".join(part)
            part, size = [], 0
    if part:
        yield "".join(part)


def log_lines(lines: Iterable[Line]) -> tuple[int, str]:
    """Log lines as list items, escaped, as many as fit a frame: the last one's number, and HTML."""
    items: list[str] = []
    last = size = 0
    for line in lines:
        if size >= BYTES_PER_FRAME:
            break
        item = format_html(
            '<li data-line="{}" data-level="{}" data-attempt="{}">{}</li>',
            line.number,
            line.level,
            line.attempt,
            line.text,
        )
        items.append(item)
        size += len(item.encode())
        last = line.number
    return last, "".join(items)


@lru_cache(maxsize=1)
def version() -> str:
    """A mark of the page's own assets: a page with another one is out of date."""
    digest = hashlib.sha256()
    for name in ("live.js", "live.css"):
        path = finders.find(f"truestep/{name}")
        with open(str(path), "rb") as asset:
            digest.update(asset.read())
    return digest.hexdigest()[:12]
