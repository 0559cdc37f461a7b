"""What every engine promises, seen from the database and the worker's process alone.

Every engine of the fixture ``engine`` has to pass all of it.
"""

import re
import time

import pytest
from django.db import transaction

from jobs.models import Attempt, Job, LogChunk, Step, Worker
from jobs.orchestrator import cancel, launch, order_worker
from jobs.statuses import Kind, Wanted
from tests.support import (
    error_of,
    finished,
    job_of,
    journal,
    log_of,
    running,
    statuses,
    step_of,
    stop_process,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import SHORT_LEASE, family_of

pytestmark = [pytest.mark.slow, pytest.mark.either]


@pytest.fixture
def worker(engine):
    """A worker with two slots."""
    with engine.worker() as running_worker:
        yield running_worker


# --- running --------------------------------------------------------------------------------------


def test_steps_get_the_results_of_their_dependencies(worker):
    job = finished(launch("diamond"))
    assert job.status == "succeeded"
    results = dict(Attempt.objects.filter(step__job=job).values_list("step__name", "result"))
    assert results == {
        "top": 1,
        "left": 2,
        "right": 3,
        "bottom": {"top": 1, "left": 2, "right": 3},
    }


@pytest.mark.both
def test_each_step_runs_once_however_many_workers_there_are(engine, tmp_path):
    with engine.worker(), engine.worker():
        jobs = [launch("chaos_diamond", {"marks": str(tmp_path)}) for _ in range(4)]
        assert {finished(job).status for job in jobs} == {"succeeded"}
    assert Attempt.objects.count() == Step.objects.count() == len(list(tmp_path.iterdir()))
    assert list(tmp_path.glob("*.twice")) == []


@pytest.mark.both
@pytest.mark.engines
def test_independent_steps_run_side_by_side(worker, gate):
    """Both wait for the same file, so both must be running at the same time."""
    job = launch("two_gates", {"gate": str(gate)})
    wait_for(lambda: set(statuses(job).values()) == {"running"})
    gate.touch()
    assert finished(job).status == "succeeded"


def test_no_more_steps_run_than_there_are_slots(worker, gate):
    jobs = [launch("waits", {"gate": str(gate)}) for _ in range(3)]
    for job in jobs[:2]:
        running(job, "waiting")
    assert step_of(jobs[2], "waiting").status == "pending"
    gate.touch()
    assert {finished(job).status for job in jobs} == {"succeeded"}


@pytest.mark.both
def test_a_step_that_no_worker_knows_stays_pending(engine):
    """It may be a step of another release, whose workers are still to come."""
    with transaction.atomic():
        job = launch("noop")
        job.steps.filter(name="one").update(name="one_of_another_release")
    with engine.worker():
        assert finished(launch("noop")).status == "succeeded"
    step = step_of(job, "one_of_another_release")
    assert (step.status, step.attempt) == ("pending", 0)


# --- logs and progress ----------------------------------------------------------------------------


def test_output_of_every_kind_is_logged_in_order(worker):
    job = finished(launch("speaks"))
    assert log_of(job, "speak") == [
        "from run.log",
        "from print",
        "from logging",
        "from a child",
        "from its stderr",
        "an error",
    ]
    levels = "".join(LogChunk.objects.values_list("levels", flat=True).order_by("first"))
    assert levels == "iiwiie"
    step = step_of(job, "speak")
    assert (step.done, step.total, step.progress_text) == (10, 10, "counting")


def test_a_log_can_be_read_while_it_grows_and_is_complete_at_the_end(worker, gate):
    job = launch("chatters", {"lines": 3609, "gate": str(gate)})
    step = running(job, "chatter")
    assert (step.log_lines, log_of(job, "chatter")) == (1, ["line 1 of the log"])
    gate.touch()
    assert finished(job).status == "succeeded"
    assert step_of(job, "chatter").log_lines == 3609
    assert log_of(job, "chatter") == [f"line {n} of the log" for n in range(1, 3610)]


# --- failures and retries -------------------------------------------------------------------------


def test_a_failed_step_keeps_its_error_and_the_traceback_of_its_own_code(worker):
    job = finished(launch("fails"))
    assert statuses(job) == {
        "fine": "succeeded",
        "bad": "failed",
        "after_bad": "skipped",
        "sibling": "succeeded",
    }
    attempt = Attempt.objects.get(step__name="bad")
    assert attempt.error == "ValueError: <b>no</b> such luck"
    assert "tests/testapp/simple_jobs.py" in attempt.traceback
    assert "runner.py" not in attempt.traceback


@pytest.mark.both
def test_a_failed_step_is_retried_and_every_attempt_is_kept(worker):
    job = finished(launch("flaky", {"failures": 2}))
    assert statuses(job) == {"before": "succeeded", "flaky": "succeeded", "after": "succeeded"}
    assert verdicts(job, "flaky") == ["failed", "failed", "returned"]
    assert log_of(job, "flaky") == ["attempt 1", "attempt 2", "attempt 3"]
    assert journal(job).count(("flaky", "running", "pending")) == 2
    assert ("flaky", "running", "failed") not in journal(job)
    reason = job.journal.filter(step__name="flaky", to_status="pending").first().reason
    assert re.fullmatch(r"raised ConnectionError; retry 1 of 3 in \d+ ms", reason)


def test_a_retry_does_not_start_before_its_delay(worker, gate):
    job = launch("rests", {"gate": str(gate)})
    for attempt in (1, 2):
        gate.with_name(f"{gate.name}{attempt}").touch()
    retry_at = wait_for(lambda: step_of(job, "rest").not_before)
    wait_for(lambda: step_of(job, "rest").attempt == 2)
    assert Attempt.objects.get(step__job=job, number=2).started_at >= retry_at
    cancel(job.pk)
    finished(job)


def test_a_step_without_a_retry_left_fails(worker):
    job = finished(launch("flaky", {"failures": 9}))
    assert statuses(job) == {"before": "succeeded", "flaky": "failed", "after": "skipped"}
    assert verdicts(job, "flaky") == ["failed"] * 4
    assert step_of(job, "flaky").failures == 4


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        *(("OSError", 3), ("TimeoutError", 3), ("ValueError", 1), ("NoRetry", 1)),
        *(("OSError TimeoutError", 3), ("OSError ValueError", 1), ("OSError NoRetry", 1)),
    ],
)
def test_only_the_chosen_exceptions_are_retried(worker, error, attempts):
    job = finished(launch("choosy", {"error": error}))
    assert job.status == "failed"
    assert verdicts(job, "choose") == ["failed"] * attempts


def test_a_step_that_kills_its_process_each_time_fails_after_three_crashes(worker):
    job = finished(launch("poison"))
    assert verdicts(job, "kill") == ["died"] * 3
    last = job.journal.get(step__isnull=False, to_status="failed").reason
    assert last == "its process died, 3 times in all (TRUESTEP['crashes'])"


# --- time-outs and cancel -------------------------------------------------------------------------


def test_a_step_that_takes_too_long_fails_and_shows_where_it_was(worker):
    job = finished(launch("times_out"))
    assert statuses(job) == {"slow": "failed", "after_slow": "skipped"}
    assert error_of(job, "slow") == "Timed out after 0.5 s."
    assert "time.sleep(600)" in Attempt.objects.get(step__name="slow").traceback


def test_a_step_that_ignores_its_time_out_is_killed(worker):
    started = time.monotonic()
    job = finished(launch("stuck"))
    assert (job.status, error_of(job, "resist")) == ("failed", "Timed out after 0.3 s.")
    assert time.monotonic() - started < 8


def test_a_step_that_timed_out_stays_failed_when_its_worker_stops(engine):
    with engine.worker(env={"TEST_GRACE": "2"}) as stopping:
        job = launch("ignores_its_time")
        wait_for(lambda: "asked to stop" in log_of(job, "resist"))
        stopping.process.terminate()
        assert stopping.wait() == 0
    assert error_of(job, "resist") == "Timed out after 0.3 s."
    assert job_of(job.pk).status == "failed"


def test_a_step_that_watches_for_cancel_cleans_up_first(worker):
    job = launch("watches")
    running(job, "watch")
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    assert log_of(job, "watch") == ["watching", "tidied up"]


def test_a_cancel_before_the_first_line_of_a_step_is_not_lost(worker):
    job = launch("broods")
    wait_for(lambda: step_of(job, "work").status == "running")
    asked = time.monotonic()
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    assert time.monotonic() - asked < 1
    assert log_of(job, "work") == []


@pytest.mark.both
def test_a_worker_goes_on_after_a_cancel(worker):
    job = launch("hangs")
    running(job, "hang")
    cancel(job.pk)
    finished(job)
    assert finished(launch("noop")).status == "succeeded"


# --- jobs that are deleted ------------------------------------------------------------------------


@pytest.mark.both
def test_deleting_a_running_job_does_not_harm_the_worker(worker):
    job = launch("hangs")
    running(job, "hang")
    Job.objects.filter(pk=job.pk).delete()
    cancel(launch("noop").pk)  # a commit that makes the worker look
    assert finished(launch("noop")).status == "succeeded"


@pytest.mark.both
def test_the_slot_of_a_deleted_job_runs_another_step(engine, gate, tmp_path):
    """Although no commit reports it, not even that of a heartbeat."""
    deleted_gate = tmp_path / "deleted"
    with engine.worker(env={"TEST_BEAT": "30", "TEST_LEASE": "90"}):
        deleted = launch("waits", {"gate": deleted_gate})
        running(deleted, "waiting")
        Job.objects.filter(pk=deleted.pk).delete()
        with transaction.atomic():
            other, queued = launch("waits", {"gate": gate}), launch("noop")
        running(other, "waiting")  # the worker has looked for work, and has no room for more
        deleted_gate.touch()
        assert finished(queued, seconds=4).status == "succeeded"


# --- workers that stop ----------------------------------------------------------------------------


def test_a_draining_worker_lets_its_steps_end(engine, gate):
    """SIGTERM: no new claims."""
    with engine.worker(env={"TEST_DRAIN": "30"}) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        engine.terminate(worker)
        gate.touch()
        assert worker.wait() == 0
    assert statuses(job) == {"wait": "succeeded", "after": "pending"}
    with engine.worker():
        assert finished(job).status == "succeeded"
    assert job_of(job.pk).status == "succeeded"


@pytest.mark.both
@pytest.mark.engines
def test_a_step_that_outlasts_the_drain_is_requeued_uncharged(engine, gate):
    with engine.worker(env={"TEST_DRAIN": "0.3"}) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        worker.process.terminate()
        assert worker.wait() == 0
    assert verdicts(job, "wait") == ["handed back"]
    assert step_of(job, "wait").failures == 0


def test_a_requeued_step_runs_again_in_the_next_worker(engine):
    with engine.worker() as first:
        job = launch("hangs")
        running(job, "hang")
        first.process.terminate()
        assert first.wait() == 0
    assert statuses(job) == {"hang": "pending", "never": "pending"}
    assert job_of(job.pk).status == "running"
    assert ("hang", "running", "pending") in journal(job)
    assert Worker.objects.get().stopped_at
    with engine.worker():
        wait_for(lambda: step_of(job, "hang").attempt == 2)
        running(job, "hang")
        cancel(job.pk)
        finished(job)


@pytest.mark.engines
def test_a_second_signal_kills_the_steps_of_a_draining_worker(engine):
    with engine.worker(env={"TEST_GRACE": "600"}) as worker:
        job = launch("stubborn")
        running(job, "resist")
        worker.process.terminate()
        wait_for(lambda: log_of(job, "resist") == ["resisting", "asked to stop"])
        worker.process.terminate()
        assert worker.wait() == 0
    assert statuses(job) == {"resist": "pending"}


# --- workers that die or freeze -------------------------------------------------------------------


@pytest.mark.both
def test_heartbeats_are_counted_in_the_workers_row(worker):
    wait_for(lambda: Worker.objects.filter(beats__gte=2))


@pytest.mark.both
@pytest.mark.engines
def test_the_steps_of_a_killed_worker_are_requeued(engine, gate):
    """The step was inside its work: it runs more than once."""
    with engine.worker(slots=1) as first:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        with engine.worker():
            engine.process_of(first).kill()
            wait_for(lambda: verdicts(job, "wait")[0] == "lost")
            gate.touch()
            assert finished(job).status == "succeeded"
    assert verdicts(job, "wait") == ["lost", "returned"]


@pytest.mark.both
def test_without_a_retry_the_steps_of_a_killed_worker_fail_within_seconds(engine, worker):
    with engine.worker() as other:
        jobs = [launch("hangs") for _ in range(4)]
        wait_for(lambda: Step.objects.filter(name="hang", status="running").count() == 4)
        process = engine.process_of(other)
        assert Attempt.objects.filter(worker__pid=process.pid).count() == 2
        process.kill()
        wait_for(lambda: Step.objects.filter(status="failed").count() == 2, 5)
    for job in jobs:
        cancel(job.pk)
        finished(job)


@pytest.mark.both
def test_a_frozen_workers_steps_are_requeued_and_its_late_writes_refused(engine, gate):
    with engine.worker(slots=1, env=SHORT_LEASE) as first:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        order_worker(Worker.objects.get().pk, Wanted.DRAIN, actor="anna")
        with engine.worker(env=SHORT_LEASE):
            process = engine.process_of(first)
            children = family_of(process)[1:]
            stop_process(process.pid)
            wait_for(lambda: step_of(job, "wait").attempt == 2)
            wait_until_gone(children)  # although the worker itself is frozen
            process.resume()
            notes = job.journal.filter(kind=Kind.NOTE)
            note = wait_for(notes.first, what="the refused write is noted")
            assert note.reason.startswith("a late write of attempt 1 by ")
            gate.touch()
            assert finished(job).status == "succeeded"
            wait_for(lambda: Worker.objects.filter(stopped_at=None).count() == 2)
            again = Worker.objects.filter(stopped_at=None, order__actor="anna")
            wait_for(again.filter(wanted=Wanted.DRAIN).exists, what="it is still to drain")
    assert verdicts(job, "wait") == ["lost", "returned"]


@pytest.mark.both
def test_a_worker_that_was_frozen_alone_requeues_its_steps_uncharged(engine, gate):
    with engine.worker(env=SHORT_LEASE) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        process = engine.process_of(worker)
        server = family_of(process)[0]
        stop_process(process.pid)
        wait_for(lambda: not server.children(), what="its slots are gone, and reaped")
        process.resume()
        wait_for(lambda: step_of(job, "wait").attempt == 2)
        gate.touch()
        assert finished(job).status == "succeeded"
    assert verdicts(job, "wait") == ["interrupted", "returned"]
