"""How times, numbers and waiting are put in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from .. import assets, keys
from ..codes import gist
from ..definitions.parameters import in_words
from ..models import Job, Step, Transition
from ..sentences import Sentence
from ..sight.steps import StepRow
from ..sight.waiting import why_pending
from ..statuses import Kind, Status
from ..text import clean, isolated
from ..times import duration

register = template.Library()
register.filter(isolated)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A moment, in UTC; the page's script shows it in the reader's time zone."""
    if at is None:
        return ""
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-local>{} UTC</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def status_cell(row: Job | Step) -> SafeString:
    """A status as the admin shows it; the page's script keeps it true."""
    kind, name = ("job", row.pk) if isinstance(row, Job) else ("step", row.name)
    return format_html(
        '<span id="{}-{}" data-{}="{}" data-status="{}" data-seq="{}">{}</span>',
        kind,
        row.pk,
        kind,
        name,
        row.status,
        row.seq,
        row.status,
    )


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None) -> SafeString | str:
    """How long from *start* to *end*; without an end the page's script goes on counting."""
    if start is None:
        return ""
    if end is None:
        return format_html('<time class="elapsed" data-start="{}"></time>', _milliseconds(start))
    return format_html('<time class="elapsed">{}</time>', duration((end - start).total_seconds()))


@register.filter
def number(value: float | None) -> str:
    """A number without a needless fraction."""
    return "" if value is None else f"{value:g}" if value % 1 else f"{int(value)}"


@register.filter
def reason(row: StepRow) -> SafeString | str:
    """Why a pending step has not started, as far as the step itself knows."""
    if row.step.status != Status.PENDING:
        return ""
    return words(why_pending(row.step, row.attempt, row.waits_for))


@register.filter
def words(said: Sentence | None) -> SafeString:
    """A sentence of text and moments."""
    pieces = ((word if isinstance(word, str) else moment(word),) for word in said or ())
    return format_html_join("", "{}", pieces)


@register.simple_tag
def asset(name: str) -> str:
    """The URL of a file in ``static/truestep/``."""
    return assets.address(name)


@register.simple_tag
def assets_version() -> str:
    """The version of script and style."""
    return assets.version()


@register.inclusion_tag("truestep/_scripts.html")
def live_scripts() -> dict[str, Any]:
    """The page's script: its modules and the one that boots."""
    modules = [assets.address(name) for name in assets.MODULES]
    return {"modules": modules, "boot": assets.address(assets.BOOT)}


@register.simple_tag(takes_context=True)
def once(context: dict[str, Any]) -> SafeString:
    """For a form that makes or changes something: sent twice, it is done once."""
    key = keys.key_for(context["request"])
    return format_html('<input type="hidden" name="{}" value="{}">', keys.KEY, key)


@register.filter
def asked(entry: Transition) -> str:
    """What somebody asked for, without the reason that was given."""
    return gist(entry.code, entry.data, entry.reason)


@register.filter
def why(entry: Transition) -> str:
    """Why somebody asked; of another entry, all that it says."""
    if entry.kind in (Kind.REQUEST, Kind.BIRTH):
        return isolated(entry.data.get("why", ""))
    return entry.words


@register.filter
def params(job: Job) -> list[tuple[str, str]]:
    """The parameters as understood, as pairs of text, each value at most 500 characters."""
    kept = job.understood
    texts = in_words(kept) if kept else {name: ", ".join(all_) for name, all_ in job.params.items()}
    return [(name, Truncator(clean(text)).chars(500)) for name, text in texts.items()]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
