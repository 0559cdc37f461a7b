"""From rows to HTML, with the same partials that paint the page first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join

from ..feed import Sight
from ..logs import Line
from ..statuses import Status

ROWS_PER_FRAME = 200


def context_of(sight: Sight) -> dict[str, Any]:
    """What the partials of a job need."""
    counts = [(status, sight.counts[status]) for status in Status if sight.counts[status]]
    return {"sight": sight, "job": sight.job, "counts": counts, "total": sight.counts.total()}


def frames(sight: Sight) -> Iterator[dict[str, Any]]:
    """The ``changes`` frames for what is new in a sight; only the last one moves the position."""
    rows: list[tuple[str, Any]] = [("step", step) for step in sight.steps]
    rows += [("entry", entry) for entry in sight.journal]
    starts = range(0, len(rows), ROWS_PER_FRAME)
    for start in starts:
        part = rows[start : start + ROWS_PER_FRAME]
        last = start == starts[-1]
        html = render_to_string(
            "truestep/_changes.html",
            context_of(sight)
            | {
                "job_changed": last,
                "steps": [row for kind, row in part if kind == "step"],
                "entries": [row for kind, row in part if kind == "entry"],
            },
        )
        yield {
            "type": "changes",
            "since": sight.since,
            "seq": sight.seq if last else sight.since,
            "tag": sight.tag if last else "",
            "html": html,
        }


def log_lines(lines: list[Line]) -> str:
    """Log lines as list items, escaped; the number is an attribute."""
    return format_html_join(
        "",
        '<li data-line="{}" data-level="{}"{}>{}</li>',
        (
            (
                line.number,
                line.level,
                format_html(' data-attempt="{}"', line.attempt) if line.attempt > 1 else "",
                line.text,
            )
            for line in lines
        ),
    )


@lru_cache(maxsize=1)
def version() -> str:
    """A mark of the page's own assets: a page with another one is out of date."""
    digest = hashlib.sha256()
    for name in ("live.js", "live.css"):
        path = finders.find(f"truestep/{name}")
        with open(str(path), "rb") as asset:
            digest.update(asset.read())
    return digest.hexdigest()[:12]
