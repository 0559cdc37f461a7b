"""OpenTelemetry: the trace that launches a job, and a span for each attempt that ends.

Nothing here imports OpenTelemetry unless the project has: where it is not loaded, no trace can be
in progress and nobody takes spans.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

logger = logging.getLogger("truestep.tracing")

_API = "opentelemetry.trace"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_has_failed = False  # which is logged once


@dataclass(frozen=True, kw_only=True)
class EndedAttempt:
    """What a span says."""

    traceparent: str | None  # of the launch, as W3C writes it
    job: int
    definition: str
    step: str
    number: int
    verdict: str
    has_returned: bool
    started_at: datetime
    ended_at: datetime


def is_loaded() -> bool:
    """Whether the project uses OpenTelemetry in this process."""
    return _API in sys.modules


def current() -> str | None:
    """The trace context that is in progress, to be kept with what it launches."""
    if not is_loaded():
        return None
    # Imported, not taken from sys.modules: another thread may be about to load it. Celery does.
    context = import_module(_API).get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def record(attempt: EndedAttempt) -> None:
    """Make the span of an attempt, as a child of the launch. Never raises."""
    global _has_failed
    try:
        _record(attempt)
    except Exception:
        if not _has_failed:
            logger.warning("The span of an attempt could not be made.", exc_info=True)
        _has_failed = True


def _record(attempt: EndedAttempt) -> None:
    from opentelemetry import trace

    span = trace.get_tracer("truestep").start_span(
        f"{attempt.definition}.{attempt.step}",
        context=_parent(attempt.traceparent),
        kind=trace.SpanKind.CONSUMER,
        start_time=_nanoseconds(attempt.started_at),
        attributes={
            "truestep.job": attempt.job,
            "truestep.definition": attempt.definition,
            "truestep.step": attempt.step,
            "truestep.attempt": attempt.number,
            "truestep.verdict": attempt.verdict,
        },
    )
    if not attempt.has_returned:
        span.set_status(trace.StatusCode.ERROR, attempt.verdict)
    span.end(_nanoseconds(max(attempt.started_at, attempt.ended_at)))


def _parent(traceparent: str | None) -> Any:
    """Without a parent the span begins a trace: what is in progress here is another's."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": traceparent} if traceparent else {}
    return TraceContextTextMapPropagator().extract(carrier)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
