"""What one step leaves behind reaches no other job, and no later step but as README says."""

import os
import signal
import time
from itertools import cycle

import pytest
from django.db import connection

from jobs.models import Attempt, Job
from jobs.orchestrator import cancel, launch
from jobs.slots import state
from tests.support import at_length, job_of, log_of, step_of, wait_for
from tests.testapp.slot_jobs import LASTING, OPEN, TRACES

pytestmark = [pytest.mark.slow, pytest.mark.either]


def ended(job):
    return wait_for(lambda: (row := job_of(job.pk)).is_finished and row, 60, f"{job} ends")


def results_of(job):
    return dict(Attempt.objects.filter(step__job=job).values_list("step__name", "result"))


def test_a_process_runs_all_steps_of_one_job_and_of_no_other(worker):
    jobs = [launch("tells_who") for _ in range(3)]
    pids = []
    for job in jobs:
        assert ended(job).status == "succeeded"
        results = results_of(job)
        pid, *rest = results["first"]
        assert rest == [1, f"{job.uuid}:first"]
        assert results["second"] == results["third"] == pid
        pids.append(pid)
    assert len(set(pids)) == 3


def test_an_attempt_after_a_failure_runs_in_a_new_process(worker):
    job = ended(launch("tells_who", {"failures": "1"}))
    results = results_of(job)
    failed, retried = map(int, log_of(job, "second"))
    assert failed == results["first"][0]
    assert retried not in (failed, None)
    assert results["third"] == retried


@pytest.fixture
def left(worker):
    """What the second step of a job saw, for each change that the first one has made."""
    jobs = {trace: launch("leaves_traces", {"trace": trace}) for trace in TRACES}
    return {trace: results_of(ended(job)) for trace, job in jobs.items()}


def test_process_state_is_restored_between_two_steps_of_one_job(left):
    for trace, results in left.items():
        (first, before), (second, after) = results["change"], results["look"]
        assert after == before, trace
        assert second == first, f"{trace} took another process"


def test_steps_run_although_the_directory_of_their_worker_was_deleted(monkeypatch, tmp_path):
    before = tmp_path / "release"
    before.mkdir()
    monkeypatch.chdir(before)
    before.rmdir()
    restore = state._directory()
    gone = os.stat(".")
    os.chdir("/")
    restore()
    assert os.path.samestat(os.stat("."), gone)


def test_a_process_that_cannot_be_put_back_is_ended(worker):
    results = results_of(ended(launch("loses_its_limit")))
    assert results["leave"] != results["follow"]


def seconds_to_cancel(job):
    """How long its step runs on after a cancel."""
    wait_for(lambda: step_of(job, "hang").log_lines, 60, f"{job} hangs")
    asked = time.monotonic()
    cancel(job.pk)
    assert ended(job).status == "cancelled"
    return time.monotonic() - asked


@pytest.mark.parametrize("count", at_length(brief=60, full=200))
def test_many_jobs_side_by_side_see_nothing_of_each_other(worker, count):
    """Also the text that C code has buffered is in the log of its own step."""
    jobs, hanging = [], []
    for n, trace in zip(range(count), cycle(TRACES | LASTING), strict=False):
        jobs.append(launch("leaves", {"trace": trace}, actor=f"user {n % 2}"))
        if n % 10 == 0:
            hanging.append(launch("hangs"))
    for job in hanging:
        assert seconds_to_cancel(job) < 1
    wait_for(lambda: not Job.objects.unfinished().exists(), 90, "all jobs end")
    states, pids = set(), set()
    for job in jobs:
        assert job_of(job.pk).status == "succeeded"
        pid, before = results_of(job)["leave"]
        states.add(str(before))
        pids.add(pid)
        word = f"{job.uuid}:leave"
        output = [line for line in log_of(job, "leave") if line != "leak"]
        said = [f"{way} {word}" for way in ("run.log", "print", "logging", "C")]
        assert [line for line in output if "left a transaction" not in line] == said
    assert len(states) == 1
    assert len(pids) == count


def test_a_signal_mask_left_by_a_step_does_not_delay_the_next_cancel(worker):
    ended(launch("leaves_traces", {"trace": "signal mask"}))
    assert seconds_to_cancel(launch("hangs")) < 1


def test_a_stop_reaches_the_step_while_its_threads_speak(worker):
    assert seconds_to_cancel(launch("hangs_among_threads")) < 1  # else it would have been killed


@pytest.mark.both
def test_an_open_transaction_is_rolled_back_before_the_outcome(worker):
    ways = [how for how in OPEN if connection.vendor == "sqlite" or how != "a raw connection"]
    jobs = [
        (
            how,
            fails,
            launch("leaves_open", {"how": how} | {"fails": "on"} if fails else {"how": how}),
        )
        for how in ways
        for fails in (False, True)
    ]
    rolled_back = "The step left a transaction open in the database 'default'; it was rolled back."
    locked = "The step left a SQLite database locked; its process was ended."
    for how, fails, job in jobs:
        expected = "failed" if fails else "succeeded"
        assert ended(job).status == expected, Attempt.objects.filter(step__job=job).values()
        output = locked if how == "a raw connection" else rolled_back
        assert log_of(job, "leave") == [output], (how, fails)
        if not fails:
            assert results_of(job)["count"] == 0


@pytest.mark.both
def test_a_connection_that_a_step_closed_is_reopened(worker):
    job = ended(launch("closes_its_connection"))
    assert job.status == "succeeded"
    assert log_of(job, "leave") == []


def test_helpers_of_multiprocessing_are_not_left_running(worker):
    job = ended(launch("uses_multiprocessing"))
    results = results_of(job)
    assert results["first"] == results["second"]
    assert results["first"][1] == 0
    assert log_of(job, "first") == []


def test_what_a_step_starts_can_be_interrupted(worker):
    job = ended(launch("starts_a_program"))
    assert not results_of(job)["start"] & 1 << (signal.SIGINT - 1)
