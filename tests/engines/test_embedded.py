"""The processes of the embedded engine: what steps start, and what ends with them."""

import os
import signal
from contextlib import suppress

import psutil
import pytest

from jobs.models import Step, Transition
from jobs.orchestrator import cancel, launch
from tests.support import (
    error_of,
    finished,
    job_of,
    log_of,
    program,
    running,
    statuses,
    step_of,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import family, family_at_work, sleepers, wait_until_spares_are_left

pytestmark = [pytest.mark.slow, pytest.mark.either]

# --- time-outs and cancel -------------------------------------------------------------------------


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


def test_a_cancelled_step_leaves_no_process_even_a_hidden_one(worker):
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


# --- workers that end -----------------------------------------------------------------------------


@pytest.mark.both
def test_a_sigterm_to_every_process_of_a_worker_is_not_charged(database):
    """As systemd does: its ``KillMode`` is usually ``control-group``."""
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


def test_a_step_stopped_by_a_stray_signal_fails(worker):
    job = launch("watches")
    running(job, "watch")
    for child in family(worker):
        child.terminate()
    assert finished(job).status == "failed"
    assert (
        error_of(job, "watch") == "The step was stopped by SIGTERM, which its worker had not sent."
    )


@pytest.mark.both
def test_a_killed_worker_leaves_no_process_and_the_next_one_fails_its_steps(database):
    with program("worker") as first:
        job = launch("forks")
        running(job, "fork")
        wait_for(lambda: len(sleepers(first)) == 3)
        children = family(first)
        first.process.kill()
        first.wait()
    wait_until_gone(children)
    assert step_of(job, "fork").status == "running"  # not noticed yet
    with program("worker"):
        assert finished(job).status == "failed"
    assert "is gone (killed or crashed)" in error_of(job, "fork")


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


def test_a_worker_whose_fork_server_dies_ends_with_an_error(database):
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


# --- neighbours in the same worker, and the same slot ---------------------------------------------


@pytest.mark.parametrize("are_raw", ["", "on"])
def test_threads_that_print_without_end_delay_no_other_step(worker, are_raw):
    job = launch("leaves_threads", {"are_raw": are_raw})
    job = finished(job, seconds=10)  # less than the lease
    assert job.status == "succeeded"
    assert log_of(job, "follow") == []
    assert finished(launch("noop")).status == "succeeded"


def test_the_end_of_a_slot_leaves_the_children_of_other_steps_alone(worker, tmp_path):
    gate = tmp_path / "gate"
    busy = launch("starts_children", {"gate": gate})
    running(busy, "start")
    for _ in range(8):  # each ends its slot
        finished(launch("leaves_threads"))
    gate.touch()
    assert finished(busy).status == "succeeded"
