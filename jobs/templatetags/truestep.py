"""What templates need beyond Django: times, sentences, a job's facts, forms, the page's script."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from .. import assets, keys
from ..code_version import difference, short
from ..codes import gist
from ..definitions.parameters import in_words
from ..models import Attempt, Job, Step, Transition
from ..sentences import Link, Piece, Sentence
from ..sight.steps import StepRow
from ..sight.waiting import why_pending
from ..sight.waterfall import Axis, Bar
from ..statuses import Kind, Status
from ..text import clean, isolated
from ..times import duration
from ..usage import amounts_of, end_of, words_of

LEVELS = [  # to find lines by, and what they are called
    ("", "all lines"),
    ("info", "info and above"),
    ("warning", "warnings and errors"),
    ("error", "errors"),
]

register = template.Library()
register.filter(isolated)
register.filter("used", words_of)
register.filter(amounts_of)
register.filter(end_of)
register.filter("short_version", short)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A moment in UTC. The page's script shows it in the reader's time zone."""
    if at is None:
        return ""
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-local>{} UTC</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def status_cell(row: Job | Step) -> SafeString:
    """A status for the admin. The page's script keeps it up to date."""
    kind, name = ("job", row.pk) if isinstance(row, Job) else ("step", row.name)
    return format_html(
        '<span id="{kind}-{pk}" data-{kind}="{name}" data-status="{status}" data-seq="{seq}">'
        "{status}</span>",
        kind=kind,
        pk=row.pk,
        name=name,
        status=row.status,
        seq=row.seq,
    )


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None) -> SafeString | str:
    """The time from *start* to *end*. Without an end, the page's script counts it."""
    if start is None:
        return ""
    if end is None:
        return format_html('<time class="elapsed" data-start="{}"></time>', _milliseconds(start))
    return format_html('<time class="elapsed">{}</time>', duration((end - start).total_seconds()))


@register.filter
def number(value: float | None) -> str:
    """A number, without a fraction of zero: ``3``, ``2.5``."""
    return "" if value is None else f"{value:g}" if value % 1 else f"{int(value)}"


@register.filter
def version_words(attempt: Attempt) -> str:
    """That the code of an attempt is not that of its job's launch; else empty."""
    return difference(getattr(attempt, "code_version", ""), getattr(attempt, "launched_with", ""))


@register.filter
def reason(row: StepRow) -> SafeString | str:
    """Why a pending step has not started, as far as its own row says."""
    if row.step.status != Status.PENDING:
        return ""
    return words(why_pending(row.step, row.attempt, row.waits_for, row.key))


@register.filter
def words(said: Sentence | None) -> SafeString:
    """A sentence of text, moments and links."""
    return format_html_join("", "{}", ((_piece(piece),) for piece in said or ()))


def _piece(piece: Piece) -> str:
    if isinstance(piece, Link):
        return format_html('<a href="{}">{}</a>', *piece) if piece.to else piece.text
    return moment(piece) if isinstance(piece, datetime) else piece


@register.filter
def flagged(step: Step) -> str:
    """How many warnings and errors the step's attempt has logged, in words; empty: none."""
    counts = ((step.log_errors, "error"), (step.log_warnings, "warning"))
    return ", ".join(
        f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count
    )


@register.simple_tag
def asset(name: str) -> str:
    """The URL of a file in ``static/truestep/``."""
    return assets.address(name)


@register.simple_tag
def assets_version() -> str:
    """The version of script and style."""
    return assets.version()


@register.inclusion_tag("truestep/_scripts.html")
def live_scripts() -> dict[str, str]:
    """The page's script."""
    return {"address": reverse("truestep:script", args=[assets.version()])}


@register.simple_tag(takes_context=True)
def once(context: dict[str, Any]) -> SafeString:
    """The key of a form that changes something: sent twice, it takes effect once."""
    key = keys.key_for(context["request"])
    return format_html('<input type="hidden" name="{}" value="{}">', keys.KEY, key)


@register.filter
def asked(entry: Transition) -> str:
    """What a person asked for, without the reason."""
    return str(gist(entry.code, entry.data, entry.reason))


@register.filter
def why(entry: Transition) -> str:
    """The reason that a person gave; for other entries, everything that they say."""
    if entry.kind in (Kind.REQUEST, Kind.BIRTH):
        return str(entry.data.get("why", ""))
    return str(entry.words)  # made once, not by each filter after this one


@register.filter
def params(job: Job) -> list[tuple[str, str]]:
    """The parameters as pairs of name and text, each text at most 500 characters."""
    if job.understood:
        texts = in_words(job.understood)
    else:  # launched by an older release
        texts = {name: ", ".join(values) for name, values in job.params.items()}
    return [(name, Truncator(clean(text)).chars(500)) for name, text in texts.items()]


@register.filter
def milliseconds(at: datetime | None) -> str:
    """A moment for the page's script, in milliseconds since 1970."""
    return "" if at is None else str(_milliseconds(at))


@register.filter
def placed(at: datetime | None, axis: Axis) -> float:
    """Where a moment is on an axis, in percent."""
    return axis.place(at)


@register.filter
def length_on(bar: Bar, axis: Axis) -> float:
    """How long a bar is on an axis, in percent."""
    return round(max(0, axis.place(bar.end) - axis.place(bar.start)), 3)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@register.inclusion_tag("truestep/_find.html")
def log_search(job: Job, search: Any = None, rows: Iterable[StepRow] = ()) -> dict[str, Any]:
    """A form that finds lines in the logs of a job: in those of a search, or of these steps."""
    asked = {name: getattr(search, name, "") for name in ("text", "level", "step")}
    offered = search.offered if search else [row.step.name for row in rows]
    return {"job": job, "asked": asked, "offered": offered, "levels": LEVELS}
