"""Real workers, real steps, real signals."""

import os
import signal
import time
from contextlib import suppress

import psutil
import pytest
from django.db import transaction

from jobs.models import Attempt, Job, LogChunk, Step, Transition, Worker
from jobs.orchestrator import cancel, launch
from tests.support import (
    error_of,
    finished,
    job_of,
    journal,
    log_of,
    program,
    running,
    statuses,
    step_of,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import family, family_at_work, sleepers, wait_until_spares_are_left

pytestmark = pytest.mark.slow

# --- the happy path -------------------------------------------------------------------------------


def test_steps_run_and_hand_their_results_on(worker):
    job = finished(launch("diamond"))
    assert job.status == "succeeded"
    results = dict(Attempt.objects.filter(step__job=job).values_list("step__name", "result"))
    assert results == {
        "top": 1,
        "left": 2,
        "right": 3,
        "bottom": {"top": 1, "left": 2, "right": 3},
    }


def test_independent_steps_run_side_by_side(worker, tmp_path):
    """Both wait for the same file, so both must be running at once."""
    gate = tmp_path / "gate"
    job = launch("two_gates", {"gate": str(gate)})
    wait_for(lambda: set(statuses(job).values()) == {"running"})
    gate.touch()
    assert finished(job).status == "succeeded"


def test_jobs_share_the_slots(worker, tmp_path):
    gate = tmp_path / "gate"
    jobs = [launch("waits", {"gate": str(gate)}) for _ in range(3)]
    for job in jobs[:2]:
        running(job, "waiting")
    assert step_of(jobs[2], "waiting").status == "pending"
    gate.touch()
    assert {finished(job).status for job in jobs} == {"succeeded"}


def test_a_step_speaks_in_every_way_and_in_order(worker):
    job = finished(launch("speaks"))
    lines = log_of(job, "speak")
    assert lines == [
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


def test_a_long_log_is_seen_while_it_grows_and_is_whole_at_the_end(worker, tmp_path):
    gate = tmp_path / "gate"
    job = launch("chatters", {"lines": 3609, "gate": str(gate)})
    step = running(job, "chatter")
    assert (step.log_lines, log_of(job, "chatter")) == (1, ["line 1 of the log"])
    gate.touch()
    assert finished(job).status == "succeeded"
    assert step_of(job, "chatter").log_lines == 3609
    assert log_of(job, "chatter") == [f"line {n} of the log" for n in range(1, 3610)]


def test_a_failing_step_keeps_its_error_and_a_traceback_of_its_own_code(worker):
    job = finished(launch("fails"))
    assert statuses(job) == {
        "fine": "succeeded",
        "bad": "failed",
        "after_bad": "skipped",
        "sibling": "succeeded",
    }
    attempt = Attempt.objects.get(step__name="bad")
    assert attempt.error == "ValueError: <b>no</b> such luck"
    assert "tests/testapp/jobs.py" in attempt.traceback
    assert "runner.py" not in attempt.traceback


# --- time-outs and cancel -------------------------------------------------------------------------


def test_a_step_that_takes_too_long_fails_and_says_where_it_was(worker):
    job = finished(launch("times_out"))
    assert statuses(job) == {"slow": "failed", "after_slow": "skipped"}
    assert error_of(job, "slow") == "Timed out after 0.5 s."
    assert "time.sleep(600)" in Attempt.objects.get(step__name="slow").traceback


def test_a_step_that_ignores_its_time_out_is_killed(worker):
    started = time.monotonic()
    job = finished(launch("stuck"))
    assert (job.status, error_of(job, "resist")) == ("failed", "Timed out after 0.3 s.")
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("name", "step"), [("hangs", "hang"), ("stubborn", "resist"), ("catches", "catch")]
)
def test_a_cancelled_step_really_stops(worker, name, step):
    job = launch(name)
    running(job, step)
    children = family_at_work(worker)
    assert cancel(job.pk, actor="ada")
    assert finished(job).status == "cancelled"
    assert statuses(job)[step] == "cancelled"
    assert error_of(job, step) == "Cancelled while it ran."
    wait_until_spares_are_left(children)


def test_a_cancelled_step_leaves_no_process_however_it_hid_them(worker):
    """Children that ignore TERM, a daemon in a session of its own, a step that ignores TERM."""
    job = launch("forks")
    running(job, "fork")
    wait_for(lambda: len(sleepers(worker)) == 3)
    children = family_at_work(worker)
    daemon = int(log_of(job, "fork")[0].split()[1])
    assert daemon in [child.pid for child in children]
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    wait_until_spares_are_left(children)


def test_a_step_that_watches_for_cancel_ends_in_its_own_time(worker):
    job = launch("watches")
    running(job, "watch")
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    assert log_of(job, "watch") == ["watching", "tidied up"]


def test_after_a_cancel_the_worker_goes_on(worker):
    job = launch("hangs")
    running(job, "hang")
    cancel(job.pk)
    finished(job)
    assert finished(launch("noop")).status == "succeeded"


# --- workers that end -----------------------------------------------------------------------------


def test_a_worker_that_is_told_to_stop_hands_its_steps_back(database):
    with program("worker") as first:
        job = launch("hangs")
        running(job, "hang")
        first.process.terminate()
        assert first.wait() == 0
    assert statuses(job) == {"hang": "pending", "never": "pending"}
    assert job_of(job.pk).status == "running"
    assert ("hang", "running", "pending") in journal(job)
    assert Worker.objects.get().stopped_at
    with program("worker"):
        wait_for(lambda: step_of(job, "hang").attempt == 2)
        running(job, "hang")
        cancel(job.pk)
        finished(job)


def test_a_service_manager_that_tells_every_process_at_once_costs_no_attempt(database):
    """As systemd does: its ``KillMode`` is mostly ``control-group``."""
    with program("worker", "--slots", "4", env={"TEST_DRAIN": "600"}) as worker:
        jobs = [*map(launch, ("hangs", "watches", "gives_up"))]
        jobs.append(launch("run_command", {"command": "sleep 600"}))
        steps = Step.objects.filter(job__in=jobs, position=0)
        for step in steps:
            running(step.job, step.name)
        for process in [psutil.Process(worker.process.pid), *family(worker)]:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        assert worker.wait() == 0
    assert set(steps.values_list("status", "failures", "attempts__verdict")) == {
        ("pending", 0, "handed back")
    }
    back = Transition.objects.filter(step__in=steps, to_status="pending", from_status="running")
    assert set(back.values_list("reason", flat=True)) == {"its worker stopped"}


def test_a_watching_step_that_is_stopped_by_a_stray_signal_has_not_succeeded(worker):
    job = launch("watches")
    running(job, "watch")
    for child in family(worker):
        child.terminate()
    assert finished(job).status == "failed"
    assert (
        error_of(job, "watch") == "The step was stopped by SIGTERM, which its worker had not sent."
    )


def test_a_second_signal_ends_a_worker_whose_step_resists(database):
    with program("worker", env={"TEST_GRACE": "600"}) as worker:
        job = launch("stubborn")
        running(job, "resist")
        worker.process.terminate()
        wait_for(lambda: log_of(job, "resist") == ["resisting", "asked to stop"])
        worker.process.terminate()
        assert worker.wait() == 0
    assert statuses(job) == {"resist": "pending"}


def test_a_worker_that_was_killed_leaves_nothing_and_the_next_one_fails_its_steps(database):
    with program("worker") as first:
        job = launch("forks")
        running(job, "fork")
        wait_for(lambda: len(sleepers(first)) == 3)
        children = family(first)
        first.process.kill()
        first.wait()
    wait_until_gone(children)
    assert step_of(job, "fork").status == "running"  # nobody has noticed yet
    with program("worker"):
        assert finished(job).status == "failed"
    assert "is gone (killed or crashed)" in error_of(job, "fork")


def test_a_living_worker_fails_the_steps_of_a_dead_one_within_seconds(worker):
    with program("worker") as other:
        jobs = [launch("hangs") for _ in range(4)]
        wait_for(lambda: Step.objects.filter(name="hang", status="running").count() == 4)
        lost = Attempt.objects.filter(worker__pid=other.process.pid)
        assert lost.count() == 2
        other.process.kill()
        wait_for(lambda: Step.objects.filter(status="failed").count() == 2, 5)
    for job in jobs:
        cancel(job.pk)
        finished(job)


def test_a_killed_slot_fails_its_step_alone(worker):
    job = launch("hangs")
    running(job, "hang")
    children = wait_for(lambda: sleepers(worker))
    os.kill(children[0].ppid(), signal.SIGKILL)
    assert finished(job).status == "failed"
    assert (
        error_of(job, "hang")
        == "The step's process was killed by signal 9 (SIGKILL) before the step returned."
    )
    wait_until_gone(children)
    assert finished(launch("noop")).status == "succeeded"


def test_a_worker_whose_fork_server_dies_ends_and_says_so(database):
    with program("worker") as worker:
        job = launch("hangs")
        running(job, "hang")
        children = family(worker)
        children[0].kill()
        assert worker.wait() != 0
        assert "fork server is gone" in "\n".join(worker.errors)
    wait_until_gone(children)
    assert job_of(job.pk).status == "failed"
    assert "fork server is gone" in error_of(job, "hang")


def test_deleting_a_running_job_does_not_harm_the_worker(worker):
    job = launch("hangs")
    running(job, "hang")
    Job.objects.filter(pk=job.pk).delete()
    cancel(launch("noop").pk)  # a commit that makes the worker look
    assert finished(launch("noop")).status == "succeeded"


def test_the_slot_of_a_deleted_job_is_used_again_at_once(database, tmp_path):
    """Although no commit says so, not even that of a beat."""
    deleted_gate, gate = tmp_path / "deleted", tmp_path / "gate"
    with program("worker", "--slots", "2", env={"TEST_BEAT": "30", "TEST_LEASE": "90"}):
        deleted = launch("waits", {"gate": deleted_gate})
        running(deleted, "waiting")
        Job.objects.filter(pk=deleted.pk).delete()
        with transaction.atomic():
            other, queued = launch("waits", {"gate": gate}), launch("noop")
        running(other, "waiting")  # the worker has looked for work, and has no room for more
        deleted_gate.touch()
        assert finished(queued, seconds=4).status == "succeeded"


def test_a_worker_beats(worker):
    wait_for(lambda: Worker.objects.filter(beats__gte=2))


# --- neighbours in the same worker, and the same slot ---------------------------------------------


@pytest.mark.parametrize("are_raw", ["", "on"])
def test_threads_that_print_without_end_hold_up_nobody(worker, are_raw):
    job = launch("leaves_threads", {"are_raw": are_raw})
    job = finished(job, seconds=10)  # less than the lease
    assert job.status == "succeeded"
    assert log_of(job, "follow") == []
    assert finished(launch("noop")).status == "succeeded"


def test_the_end_of_a_slot_spares_what_another_step_starts(worker, tmp_path):
    gate = tmp_path / "gate"
    busy = launch("starts_children", {"gate": gate})
    running(busy, "start")
    for _ in range(8):  # each ends its slot
        finished(launch("leaves_threads"))
    gate.touch()
    assert finished(busy).status == "succeeded"


def test_a_cancel_before_the_steps_own_code_is_not_lost(worker):
    job = launch("broods")
    wait_for(lambda: step_of(job, "work").status == "running")
    asked = time.monotonic()
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    assert time.monotonic() - asked < 1
    assert log_of(job, "work") == []


def test_a_step_whose_time_was_up_stays_failed_when_its_worker_stops(database):
    with program("worker", env={"TEST_GRACE": "2"}) as stopping:
        job = launch("ignores_its_time")
        wait_for(lambda: "asked to stop" in log_of(job, "resist"))
        stopping.process.terminate()
        assert stopping.wait() == 0
    assert error_of(job, "resist") == "Timed out after 0.3 s."
    assert job_of(job.pk).status == "failed"
