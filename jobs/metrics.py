"""What Prometheus reads: the rows as they are now, what has happened, and this process's counters.

No label has a value from outside: a definition is a registered one, or "other".
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from . import database, definitions, news, workers
from .live import feeds, hub
from .sight import backlog, measures
from .sight.fleet import QueueFacts, read_queues
from .sight.flow import BOUNDS, Flow
from .sight.totals import MOST_COUNTED
from .statuses import JOB_STATUSES, TERMINAL, Verdict
from .tallies import Histogram

logger = logging.getLogger("truestep.metrics")

DEFINITION = ["definition"]
STATUS = ["definition", "status"]
VERDICT = ["definition", "verdict"]

_flow = Flow()


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in the format that an Accept header asks for, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Collector())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collector:
    """Reads everything at each scrape."""

    def describe(self) -> list[Metric]:
        """Nothing: without it, registering would read everything."""
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        names = list(definitions.registered())
        try:
            rows = [*_now(names), *_since(names)]
        except database.DATABASE_ERRORS as error:
            logger.warning("Metrics lack what is in the database: %s", database.explain(error))
            rows = []
        yield _gauge("database_up", "Whether the rows could be read for this scrape.", bool(rows))
        yield from rows
        yield from _of_this_process()
        took = time.monotonic() - began
        yield _gauge("scrape_seconds", "How long it took to read these values.", took)


def _now(names: list[str]) -> Iterator[Metric]:
    """What the rows say now: the same in each process."""
    more = f"Counted up to {MOST_COUNTED}; one more means: or more."
    with database.snapshot():
        yield _by("jobs", f"Jobs. {more}", STATUS, measures.jobs(names))
        help_ = f"Unfinished steps. {more} For each status, all definitions together."
        yield _by("steps", help_, STATUS, measures.steps(names))
        help_ = f"Steps that a worker may start now. {more} All definitions together."
        yield _by("steps_ready", help_, DEFINITION, measures.ready(names))
        queues = _queues()
        waits = backlog.oldest_ready_seconds() or 0.0
        yield _gauge("oldest_ready_step_seconds", "How long the oldest ready step waits.", waits)
        living = workers.living()
    yield from queues
    yield _gauge("workers", "Workers that live.", len(living))
    yield _gauge("worker_slots", "Steps that they can run at a time.", sum(w.slots for w in living))
    now = timezone.now()
    ages = [max(0.0, (now - workers.last_heartbeat(each)).total_seconds()) for each in living]
    help_ = "Seconds since the last heartbeat of the living worker that has been silent longest."
    yield _gauge("worker_heartbeat_age_seconds", help_, max(ages, default=0.0))


def _queues() -> list[Metric]:
    """Of each queue that a definition, a worker or an order names; the others are "other"."""
    facts = [(queue.name if queue.is_named else measures.OTHER, queue) for queue in read_queues()]
    series: dict[str, tuple[str, Callable[[QueueFacts], int]]] = {
        "queue_steps_ready": ("Ready steps of the queue, up to 1,001.", lambda each: each.ready),
        "queue_steps_running": ("Running steps of the queue.", lambda each: each.running),
        "queue_slots": ("Slots that may run steps of the queue.", lambda each: each.slots),
        "queue_paused": ("1 while the queue is paused.", lambda each: int(bool(each.paused))),
    }
    found = []
    for name, (help_, value_of) in series.items():
        values: Counter[str] = Counter()
        for label, queue in facts:
            values[label] += value_of(queue)
        found.append(_by(name, help_, ["queue"], values))
    return found


def _since(names: list[str]) -> Iterator[Metric]:
    """What has happened since this process was first scraped.

    Each series is there from the beginning: the first event of one that appears with it is no
    increase to Prometheus.
    """
    _flow.look(lambda name: name if name in names else measures.OTHER)
    launched = dict.fromkeys(names, 0) | _flow.launched
    yield _by("jobs_launched", "Jobs launched.", DEFINITION, launched, CounterMetricFamily)
    ended = _each(names, TERMINAL.intersection(JOB_STATUSES)) | _flow.jobs_ended
    yield _by("jobs_ended", "Jobs ended.", STATUS, ended, CounterMetricFamily)
    ended = _each(names, TERMINAL) | _flow.steps_ended
    yield _by("steps_ended", "Steps ended.", STATUS, ended, CounterMetricFamily)
    ended = _each(names, Verdict) | _flow.attempts_ended
    yield _by("attempts_ended", "Attempts ended.", VERDICT, ended, CounterMetricFamily)
    empty = dict.fromkeys(names, Histogram(BOUNDS))
    help_ = "Run time of attempts that have ended."
    yield _histograms("attempt_run_seconds", help_, empty | _flow.run_seconds)
    help_ = "How long first attempts waited for a worker since nothing else held them up."
    yield _histograms("attempt_queue_seconds", help_, empty | _flow.queue_seconds)
    help_ = "Writes of attempts that were not their worker's any more."
    yield _counter("late_writes_refused", help_, _flow.late_writes)
    help_ = "Numbers of journal entries that the counters and histograms have not reached yet."
    yield _gauge("journal_entries_behind", help_, _flow.behind)


def _of_this_process() -> Iterator[Metric]:
    help_ = "Times that this process could not send pokes."
    yield _counter("pokes_failed", help_, news.FAILED.count)
    help_ = "Pages that this process keeps up to date."
    yield _by("sockets", help_, ["page"], hub.open_sockets())
    help_ = "Seconds from a poke until its frames were queued for the pages of this process."
    lag = HistogramMetricFamily(_name("feed_lag_seconds"), help_, labels=[])
    _add(lag, [], feeds.LAG)
    yield lag


def _each(names: Iterable[str], values: Iterable[str]) -> dict[tuple[str, str], int]:
    """Nothing yet, of each pair."""
    return {(name, str(value)): 0 for name in names for value in values}


def _name(name: str) -> str:
    return f"truestep_{name}"


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(_name(name), help_, value=float(value))


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(_name(name), help_, value=value)


def _by(
    name: str,
    help_: str,
    labels: list[str],
    values: Mapping[str, int] | Mapping[tuple[str, str], int],
    family: type[GaugeMetricFamily] | type[CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    found = family(_name(name), help_, labels=labels)
    for key, value in sorted(values.items()):
        found.add_metric([key] if isinstance(key, str) else list(key), value)
    return found


def _histograms(name: str, help_: str, found: Mapping[str, Histogram]) -> Metric:
    metric = HistogramMetricFamily(_name(name), help_, labels=DEFINITION)
    for definition, histogram in sorted(found.items()):
        _add(metric, [definition], histogram)
    return metric


def _add(metric: HistogramMetricFamily, labels: Iterable[str], histogram: Histogram) -> None:
    counts, total = histogram.read()
    bounds = [*map(float, histogram.bounds), float("inf")]
    buckets = [
        ("+Inf" if bound == float("inf") else str(bound), float(count))
        for bound, count in zip(bounds, counts, strict=True)
    ]
    metric.add_metric(list(labels), buckets=buckets, sum_value=total)
