"""Databases that are busy, full, read-only or away: running steps continue afterwards."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from django.db import connection

from jobs import database as db
from jobs.exceptions import DatabaseBusy
from jobs.models import Attempt, Job
from jobs.orchestrator import cancel, launch
from tests.faults.database import ONCE, SECONDS, complaint, leave_no_page_free, moves_of
from tests.support import (
    ROOT,
    finished,
    journal,
    program,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import sleepers

pytestmark = pytest.mark.slow


# --- workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [("busy", "is locked by"), ("full", "is full"), ("read_only", "is read-only")],
)
def test_a_step_that_ends_during_an_outage_keeps_its_outcome(faults, tmp_path, kind, words):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1", env=faults.env) as worker:
        job = launch("bulky", {"gate": str(gate)})
        running(job, "bulk", SECONDS)
        with getattr(faults, kind)():
            gate.touch()
            line = complaint(worker, words)
            assert db.name() in line
            assert step_of(job, "bulk").status == "running"
        job = finished(job, SECONDS)
        assert worker.process.poll() is None
    assert statuses(job) == {"bulk": "succeeded", "after_bulk": "succeeded"}
    assert moves_of(job, "bulk") == moves_of(job, "after_bulk") == ONCE
    assert Attempt.objects.get(step__name="after_bulk").result == 300_000


def test_a_worker_enforces_timeouts_while_the_database_is_busy(faults):
    with program("worker", "--slots", "2", env=faults.env | {"TEST_GRACE": "0.5"}) as worker:
        job = launch("brief")
        running(job, "overrun", SECONDS)
        started = wait_for(lambda: sleepers(worker))
        with faults.busy():
            wait_until_gone(started)
            worker.process.terminate()
            complaint(worker, "is locked by")
            assert worker.process.poll() is None  # it has something to record
        assert worker.wait(SECONDS) == 0
    assert verdicts(job, "overrun") == ["timed out"]


@pytest.mark.full
def test_a_second_signal_ends_a_worker_that_waits_for_the_database(faults, tmp_path):
    with program("worker", "--slots", "1", env=faults.env | {"TEST_GRACE": "0.2"}) as worker:
        job = launch("patient", {"gate": str(tmp_path / "gate")})
        running(job, "wait", SECONDS)
        with faults.busy():
            worker.process.send_signal(signal.SIGTERM)
            complaint(worker, "is locked by")
            worker.process.send_signal(signal.SIGTERM)
            assert worker.wait(SECONDS) == 0
            complaint(worker, "without having recorded")
    with program("worker", "--slots", "1"):
        (tmp_path / "gate").touch()
        assert finished(job, SECONDS).status == "succeeded"


@pytest.mark.parametrize(("command", "code"), [("serve", 1), ("worker", 1), ("launch", 4)])
def test_no_command_starts_on_a_read_only_database(faults, command, code):
    arguments = {"serve": ["--port", "0"], "worker": [], "launch": ["noop"]}[command]
    with faults.read_only():
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), command, *arguments],
            env=os.environ | faults.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    assert done.returncode == code, done.stderr
    [line] = done.stderr.splitlines()
    assert f"The database {db.name()} is read-only" in line
    assert "Let this user write to the file and its directory" in line


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def short_lock_timeout(transactional_db):
    """This process waits for its turn, and for locks, no longer than a moment."""
    connection.close()
    with db.restoring_lock_timeout():
        db.set_lock_timeout(0.3)
        yield


def full(faults):
    if connection.vendor == "postgresql":
        return faults.full()
    leave_no_page_free()
    return closing(_Pragma("max_page_count = 1", f"max_page_count = {2**30}"))


def read_only(faults):
    if connection.vendor == "postgresql":
        return closing(
            _Pragma("default_transaction_read_only = on", "default_transaction_read_only = off")
        )
    return closing(_Pragma("query_only = 1", "query_only = 0"))


class _Pragma:
    def __init__(self, begin, end):
        self._end = end
        self._run(begin)

    def _run(self, words):
        with connection.cursor() as cursor:
            cursor.execute(("PRAGMA " if connection.vendor == "sqlite" else "SET ") + words)

    def close(self):
        self._run(self._end)


def away(faults):
    return closing(_Away())


class _Away:
    def __init__(self):
        self._name = "NAME" if connection.vendor == "sqlite" else "PORT"
        self._was = connection.settings_dict[self._name]
        connection.close()
        connection.settings_dict[self._name] = "/nowhere/db" if self._name == "NAME" else "1"

    def close(self):
        connection.close()
        connection.settings_dict[self._name] = self._was


KINDS = {
    "is locked by": lambda faults: faults.busy(),
    "is full": full,
    "is read-only": read_only,
    "cannot be reached": away,
}


@pytest.mark.parametrize("words", KINDS)
def test_a_request_during_an_outage_is_answered_503_with_the_reason(
    ada, faults, short_lock_timeout, words, caplog
):
    ada.raise_request_exception = False
    large = {"gate": "x" * 20_000}
    with KINDS[words](faults):
        answer = ada.post("/launch/bulky/", large)
    page = answer.content.decode()
    assert answer.status_code == 503, page
    assert answer["Retry-After"]
    assert f"The database {words}" in page
    nothing = "Nothing was done" if words == "is locked by" else "our request had no effect"
    assert nothing in page
    assert str(connection.settings_dict["NAME"]) not in page
    assert not Job.objects.exists()
    assert ada.post("/launch/bulky/", large).status_code == 302
    assert Job.objects.count() == 1


def test_a_bug_is_not_blamed_on_the_database(ada, monkeypatch, caplog):
    monkeypatch.setattr("jobs.orchestrator.cancel", lambda *args, **kwargs: 1 / 0)
    job = launch("noop")
    ada.raise_request_exception = False
    answer = ada.post(f"/jobs/{job.pk}/cancel/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_a_batch_that_times_out_names_the_holder_and_writes_nothing(faults, short_lock_timeout):
    job = launch("noop")
    with faults.busy(), pytest.raises(DatabaseBusy, match="is locked by"):
        cancel(job.pk)
    assert journal(job) == []
    assert cancel(job.pk)
