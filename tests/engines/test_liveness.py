"""Workers that die, freeze, lose the database or are told to stop: what becomes of their steps."""

import os
import re
import signal

import pytest

from jobs.models import Worker
from jobs.orchestrator import launch
from jobs.statuses import Kind
from tests.support import (
    finished,
    job_of,
    journal,
    log_of,
    program,
    running,
    statuses,
    step_of,
    stop_process,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import SHORT_LEASE, family

pytestmark = pytest.mark.slow


def test_a_step_that_fails_is_tried_again_and_every_attempt_is_kept(worker):
    job = finished(launch("flaky", {"failures": 2}))
    assert statuses(job) == {"before": "succeeded", "flaky": "succeeded", "after": "succeeded"}
    assert verdicts(job, "flaky") == ["failed", "failed", "returned"]
    assert log_of(job, "flaky") == ["attempt 1", "attempt 2", "attempt 3"]
    assert journal(job).count(("flaky", "running", "pending")) == 2
    assert ("flaky", "running", "failed") not in journal(job)
    reason = job.journal.filter(step__name="flaky", to_status="pending").first().reason
    assert re.fullmatch(r"raised ConnectionError; retry 1 of 3 in \d+ ms", reason)


def test_when_no_retry_is_left_it_fails(worker):
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
def test_only_what_is_worth_it_is_tried_again(worker, error, attempts):
    job = finished(launch("choosy", {"error": error}))
    assert job.status == "failed"
    assert verdicts(job, "choose") == ["failed"] * attempts


def test_a_step_that_kills_its_process_each_time_is_stopped(worker):
    job = finished(launch("poison"))
    assert verdicts(job, "kill") == ["died"] * 3
    last = job.journal.get(step__isnull=False, to_status="failed").reason
    assert last == "its process died, 3 times in all (TRUESTEP['crashes'])"


def test_a_killed_worker_is_noticed_and_another_one_goes_on(database, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1") as first:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        with program("worker") as second:
            second.wait_for_line("Worker with")
            first.process.kill()
            wait_for(lambda: verdicts(job, "wait")[0] == "lost")
            gate.touch()
            assert finished(job).status == "succeeded"
    assert verdicts(job, "wait") == ["lost", "returned"]


def test_a_frozen_worker_loses_its_steps_and_its_late_writes_are_refused(database, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1", env=SHORT_LEASE) as first:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        with program("worker", env=SHORT_LEASE) as second:
            second.wait_for_line("Worker with")
            slots = family(first)[1:]
            stop_process(first.process.pid)
            wait_for(lambda: step_of(job, "wait").attempt == 2)
            wait_until_gone(slots)  # its fork server saw to that, though the worker is frozen
            os.kill(first.process.pid, signal.SIGCONT)
            notes = job.journal.filter(kind=Kind.NOTE)
            note = wait_for(notes.first, what="the refused write is noted")
            assert note.reason.startswith("a late write of attempt 1 by ")
            gate.touch()
            assert finished(job).status == "succeeded"
            wait_for(lambda: Worker.objects.filter(stopped_at=None).count() == 2)
    assert verdicts(job, "wait") == ["lost", "returned"]


def test_a_lone_worker_that_was_frozen_gives_its_steps_back_uncharged(database, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", env=SHORT_LEASE) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        slots = family(worker)[1:]
        stop_process(worker.process.pid)
        wait_until_gone(slots)
        os.kill(worker.process.pid, signal.SIGCONT)
        wait_for(lambda: step_of(job, "wait").attempt == 2)
        gate.touch()
        assert finished(job).status == "succeeded"
    assert verdicts(job, "wait") == ["interrupted", "returned"]


def test_a_worker_that_is_told_to_stop_lets_its_steps_end(database, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", env={"TEST_DRAIN": "30"}) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait")
        worker.process.terminate()
        gate.touch()
        assert worker.wait() == 0
    assert statuses(job) == {"wait": "succeeded", "after": "pending"}
    with program("worker"):
        assert finished(job).status == "succeeded"
    assert job_of(job.pk).status == "succeeded"


def test_what_does_not_end_in_time_is_handed_back_uncharged(database, tmp_path):
    with program("worker", env={"TEST_DRAIN": "0.3"}) as worker:
        job = launch("patient", {"gate": str(tmp_path / "gate")})
        running(job, "wait")
        worker.process.terminate()
        assert worker.wait() == 0
    assert verdicts(job, "wait") == ["handed back"]
    assert step_of(job, "wait").failures == 0
