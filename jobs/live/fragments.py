"""Rows as HTML: by the same partials as when the page is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .. import logs
from ..logs import Line
from ..sight.graph import changed_nodes
from ..sight.job import JobSnapshot, context_of
from ..sight.shown import View
from ..sight.waterfall import axis_of, bars_of
from .viewers import Frame

FRAGMENTS_PER_FRAME = 200
BYTES_PER_FRAME = 256 * 1024  # a frame ends with the fragment or line that reaches this


def frames(snapshot: JobSnapshot, view: View = View.LIST) -> Iterator[Frame]:
    """The ``changes`` frames of a snapshot; only the last one moves the page's position.

    Called while the snapshot lasts: what a view shows beside the list is read here.
    """
    batches = list(_batches(_fragments(snapshot, view))) if snapshot.journal else []
    for number, html in enumerate(batches, 1):
        is_last = number == len(batches)
        yield Frame(
            "changes",
            since=snapshot.since,
            seq=snapshot.position.seq if is_last else snapshot.since,
            tag=snapshot.position.tag if is_last else "",
            html=html,
        )


def _fragments(snapshot: JobSnapshot, view: View) -> Iterator[str]:
    context = context_of(snapshot) | {"view": view}
    for row in snapshot.steps:
        yield _render("_step", context | {"row": row})
        for attempt in row.attempts:
            yield _render("_attempt", {"step": row.step, "one": attempt})
    if view == View.GRAPH:
        for node in changed_nodes(snapshot.job, snapshot.page, snapshot.since):
            yield _render("_node", context | {"node": node})
    if view == View.WATERFALL:
        yield from _waterfall(snapshot, context)
    for entry in snapshot.journal:
        yield _render("_entry", {"entry": entry})
    for part, counts in context["parts"]:
        yield _render("_part", context | {"part": part, "part_counts": counts})
    yield _render("_job", context)


def _waterfall(snapshot: JobSnapshot, context: dict[str, Any]) -> Iterator[str]:
    context |= {"axis": axis_of(snapshot.job)}
    yield _render("_axis", context)
    for bars in bars_of(snapshot.job, [row.step for row in snapshot.steps]):
        yield _render("_bars", context | {"bars": bars})


def _render(partial: str, context: dict[str, Any]) -> str:
    """Without localised numbers, as on the page: "1,501" would be no id."""
    template: Any = get_template(f"truestep/{partial}.html")
    return str(template.template.render(Context(context, use_l10n=False)))


def _batches(fragments: Iterable[str]) -> Iterator[str]:
    batch: list[str] = []
    size = 0
    for fragment in fragments:
        batch.append(fragment)
        size += len(fragment.encode())
        if len(batch) == FRAGMENTS_PER_FRAME or size >= BYTES_PER_FRAME:
            yield "".join(batch)
            batch, size = [], 0
    if batch:
        yield "".join(batch)


def log_lines(lines: Iterable[Line]) -> tuple[int, str]:
    """As many log lines as fit a frame: the number of the last one, and their HTML.

    What a page does not show is left out.
    """
    items: list[str] = []
    last = size = 0
    for line in lines:
        if size >= BYTES_PER_FRAME:
            break
        item = _log_line(line) if line.is_shown else ""
        items.append(item)
        size += max(len(item.encode()), len(line.said))  # to draw it takes time, too
        last = line.number
    return last, "".join(items)


def _log_line(line: Line) -> str:
    """Thousands of them are sent each second, and ``format_html`` takes several times as long."""
    title = line.title
    inner = f"<span>{line.html}</span>" if title is None else _fold(title)
    group = f' data-group="{line.group}"' if line.group else ""
    return (
        f'<li data-line="{line.number}" data-level="{line.level}" '
        f'data-attempt="{line.attempt}" data-at="{line.at}"{group}>{inner}</li>'
    )


def _fold(title: str) -> str:
    return format_html('<button class="fold" aria-expanded="true">{}</button>', title)


def open_line(said: str) -> SafeString:
    """What a step has said since its last newline."""
    return logs.html_of(logs.drawn(said))
