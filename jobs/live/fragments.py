"""From rows to HTML, with the same partials that paint the page first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html

from ..logs import Line
from ..sight.job import JobSnapshot
from ..sight.steps import ATTEMPTS_SHOWN
from ..statuses import Status

ROWS_PER_FRAME = 200
BYTES_PER_FRAME = 256 * 1024  # a frame ends with the row or line that reaches this


def context_of(snapshot: JobSnapshot) -> dict[str, Any]:
    """What the partials of a job need."""
    return {
        "snapshot": snapshot,
        "job": snapshot.job,
        "counts": _in_order(sum(snapshot.counts.values(), Counter())),
        "attempts_shown": ATTEMPTS_SHOWN,
        "step_pages": [(page, _in_order(counts)) for page, counts in snapshot.counts.items()],
    }


def _in_order(counts: Counter[str]) -> list[tuple[Status, int]]:
    return [(status, counts[status]) for status in Status if counts[status]]


def frames(snapshot: JobSnapshot) -> Iterator[dict[str, Any]]:
    """The ``changes`` frames of a snapshot; only the last one moves the page's position."""
    parts = list(_parts(_rows(snapshot))) if snapshot.journal else []
    for number, html in enumerate(parts, 1):
        last = number == len(parts)
        yield {
            "type": "changes",
            "since": snapshot.since,
            "seq": snapshot.position.seq if last else snapshot.since,
            "tag": snapshot.position.tag if last else "",
            "html": html,
        }


def _rows(snapshot: JobSnapshot) -> Iterator[str]:
    context = context_of(snapshot)
    for row in snapshot.steps:
        yield _render("_step", context | {"row": row})
        for attempt in row.attempts:
            yield _render("_attempt", {"step": row.step, "one": attempt})
    for entry in snapshot.journal:
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
