"""OpenTelemetry: a launch keeps its trace, and each attempt becomes a span of it."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.utils import timezone

from jobs import definitions, tracing
from jobs.models import Attempt, Job
from jobs.orchestrator import claim, finish, launch, launch_many
from jobs.orchestrator.endings import end_for_others
from jobs.statuses import Verdict
from tests.support import ROOT, Cost, drive, ended, finished, program, returned, wait_for

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.get_fixed_timezone(0))


def nanoseconds(moment):
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


@pytest.fixture
def spans(monkeypatch):
    """``spans()``: those of Truestep, in the order in which they ended; ``spans.tracer`` too."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra opentelemetry")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    monkeypatch.setattr(tracing, "_has_failed", False)

    def read():
        found = exporter.get_finished_spans()
        return [span for span in found if span.instrumentation_scope.name == "truestep"]

    read.tracer = provider.get_tracer("tests")
    yield read
    provider.shutdown()


def test_a_launch_keeps_the_trace_that_is_in_progress(database, spans):
    with spans.tracer.start_as_current_span("page") as page:
        job = launch("noop")
        many = launch_many("noop", [{}, {}])
    its = page.get_span_context()
    kept = f"00-{its.trace_id:032x}-{its.span_id:016x}-{its.trace_flags:02x}"
    assert {Job.objects.get(pk=each.pk).traceparent for each in (job, *many)} == {kept}
    assert Job.objects.get(pk=launch("noop").pk).traceparent is None


def test_each_attempt_is_a_child_of_the_launch(claimant, spans):
    with spans.tracer.start_as_current_span("page") as page:
        job = launch("noop")
    with spans.tracer.start_as_current_span("something else of the worker"):
        drive(claimant, job)
    attempts = list(Attempt.objects.filter(step__job=job).select_related("step").order_by("pk"))
    assert [span.name for span in spans()] == [f"noop.{each.step.name}" for each in attempts]
    for span, attempt in zip(spans(), attempts, strict=True):
        assert span.parent.span_id == page.get_span_context().span_id
        assert span.context.trace_id == page.get_span_context().trace_id
        assert span.start_time == nanoseconds(attempt.started_at)
        assert span.end_time == nanoseconds(attempt.ended_at)
        assert span.status.is_ok
        assert dict(span.attributes) == {
            "truestep.job": job.pk,
            "truestep.definition": "noop",
            "truestep.step": attempt.step.name,
            "truestep.attempt": 1,
            "truestep.verdict": "returned",
        }


def test_a_span_says_how_the_attempt_ended_and_nothing_that_it_said(claimant, spans):
    with spans.tracer.start_as_current_span("page"):
        launch("patient", {"gate": "SECRET-gate"})
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED, "SECRET-error"), room=0)
    [span] = spans()
    assert not span.status.is_ok
    assert span.status.description == "failed"
    assert span.attributes["truestep.verdict"] == "failed"
    assert "SECRET" not in span.to_json()


def test_an_attempt_that_its_worker_lost_has_a_span_too(claimant, spans):
    with spans.tracer.start_as_current_span("page") as page:
        launch("noop")
    [held] = claim(claimant, room=1)
    lost = Attempt.objects.select_related("step", "worker").get(step=held.step_id)
    end_for_others([(lost, ended(Verdict.LOST))])
    [span] = spans()
    assert span.attributes["truestep.verdict"] == "lost"
    assert span.parent.span_id == page.get_span_context().span_id


def test_a_job_without_a_trace_begins_one_with_each_attempt(claimant, spans):
    with spans.tracer.start_as_current_span("something else of the worker"):
        job = launch("noop")
        Job.objects.filter(pk=job.pk).update(traceparent=None)
        drive(claimant, job)
    assert len(spans()) > 1
    assert all(span.parent is None for span in spans())
    assert len({span.context.trace_id for span in spans()}) == len(spans())


def test_what_is_not_written_has_no_span(claimant, spans, monkeypatch):
    launch("noop")
    [held] = claim(claimant, room=1)

    def refuse(batches):
        raise RuntimeError("not today")

    monkeypatch.setattr("jobs.journal.writing.write", refuse)
    with pytest.raises(RuntimeError):
        finish(claimant, held, returned(), room=0)
    assert spans() == []


def test_no_span_is_negative_when_a_clock_was_set_back(claimant, spans, monkeypatch):
    launch("noop")
    [held] = claim(claimant, room=1)
    earlier = held.started_at - timedelta(hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: earlier)
    finish(claimant, held, returned(), room=0)
    [span] = spans()
    assert span.start_time == span.end_time == nanoseconds(held.started_at)


def test_a_tracer_that_breaks_breaks_no_step_and_is_logged_once(
    claimant, spans, monkeypatch, caplog
):
    from opentelemetry import trace

    def refuse(name):
        raise RuntimeError("no collector")

    monkeypatch.setattr(trace, "get_tracer", refuse)
    assert drive(claimant, launch("noop")).status == "succeeded"
    assert caplog.text.count("The span of an attempt could not be made.") == 1
    assert "no collector" in caplog.text


def test_a_trace_adds_no_statement_to_a_launch(database, spans):
    launch("noop")
    with Cost() as plain:
        launch("noop")
    with spans.tracer.start_as_current_span("page"), Cost() as traced:
        launch("noop")
    assert len(traced) == len(plain)


@pytest.mark.both
def test_a_workers_spans_leave_it_by_the_projects_exporter(database, spans):
    with spans.tracer.start_as_current_span("page") as page:
        job = launch("noop")
    with program(
        "worker", env={"DJANGO_SETTINGS_MODULE": "tests.faults.traced_settings"}
    ) as worker:
        finished(job)
        exported = wait_for(
            lambda: len(found := [e for e in worker.lines if e.startswith("{")]) == 5 and found
        )
    found = [json.loads(line) for line in exported]
    assert {each["attributes"]["truestep.step"] for each in found} == {
        *definitions.get("noop").steps()
    }
    parent = f"0x{page.get_span_context().span_id:016x}"
    assert {each["parent_id"] for each in found} == {parent}
    assert {each["attributes"]["truestep.job"] for each in found} == {job.pk}


@pytest.mark.both
def test_where_the_project_does_not_use_it_nothing_of_it_is_loaded(database):
    code = """
import sys, django
django.setup()
from jobs.orchestrator import claim, finish, launch
from tests.support import drive, register_worker
registration, claimant = register_worker()
job = drive(claimant, launch("noop"))
registration.deregister()
print(job.status, job.traceparent, [name for name in sys.modules if "opentelemetry" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "succeeded None []", done.stderr


def test_a_launch_waits_while_another_thread_loads_opentelemetry(monkeypatch, tmp_path):
    """A part of it may be there already."""
    (tmp_path / "half_loaded.py").write_text(
        "import builtins\n"
        "builtins.is_free.wait()\n"
        "from types import SimpleNamespace\n"
        "def get_current_span():\n"
        "    invalid = SimpleNamespace(is_valid=False)\n"
        "    return SimpleNamespace(get_span_context=lambda: invalid)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(builtins, "is_free", threading.Event(), raising=False)
    monkeypatch.setattr(tracing, "_API", "half_loaded")
    with ThreadPoolExecutor() as threads:
        loading = threads.submit(import_module, "half_loaded")
        wait_for(tracing.is_loaded)
        launching = threads.submit(tracing.current)
        builtins.is_free.set()
        assert launching.result(5) is None
        loading.result(5)
    del sys.modules["half_loaded"]
