"""An older copy of the database is restored while workers run: they continue with it."""

from pathlib import Path

import pytest
from django.db import OperationalError, connection

from jobs import database
from jobs.database import watch_commits
from jobs.models import Job, LogChunk, Step, Worker
from jobs.orchestrator import cancel, launch
from tests.faults.database import SECONDS, DatabaseFaults
from tests.support import (
    finished,
    job_of,
    log_of,
    program,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def trouble(database, tmp_path):
    made = DatabaseFaults(tmp_path)
    yield made
    made.forget()


WAYS = ["restore", pytest.param("replace", marks=pytest.mark.sqlite)]


@pytest.mark.parametrize("way", WAYS)
def test_workers_continue_from_a_restored_copy(trouble, tmp_path, way):
    """The copy lacks the last commits: workers forget what they remember of the other history."""
    gates = {name: tmp_path / name for name in ("early", "late", "both")}
    early = launch("patient", {"gate": str(gates["early"])})
    both = launch("patient", {"gate": str(gates["both"])})
    trouble.copy()  # nothing runs yet, and no worker is there
    late = launch("patient", {"gate": str(gates["late"])})
    with program("worker", "--slots", "3") as worker:
        for job in (early, both, late):
            running(job, "wait", SECONDS)
        gates["early"].touch()
        finished(early, SECONDS)
        getattr(trouble, way)()
        # What the worker knows has never happened; what it runs is not its own.
        wait_for(lambda: any("registers again" in line for line in worker.errors), SECONDS)
        assert not Job.objects.filter(pk=late.pk).exists()
        assert finished(early, SECONDS).status == "succeeded"
        wait_for(lambda: step_of(both, "wait").attempt == 1, SECONDS)
        gates["both"].touch()
        assert finished(both, SECONDS).status == "succeeded"
        again = launch("noop")  # with the number that another job has had, maybe
        assert finished(again, SECONDS).status == "succeeded"
        assert worker.process.poll() is None
    assert verdicts(both, "wait") == verdicts(early, "wait") == ["returned"]
    assert Worker.objects.filter(stopped_at=None).count() == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_claim_that_the_copy_has_goes_on(trouble, tmp_path, way):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1", env={"TEST_BEAT": "5"}) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait", SECONDS)
        trouble.copy()
        cancel(launch("noop").pk)
        getattr(trouble, way)()
        gate.touch()
        assert finished(job, SECONDS).status == "succeeded"
        assert worker.process.poll() is None
    assert statuses(job) == {"wait": "succeeded", "after": "succeeded"}
    assert set(verdicts(job, "wait")) <= {"interrupted", "returned"}


def test_the_last_lines_follow_what_the_copy_has_of_the_log(database, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1"):
        job = launch("chatters", {"lines": 3, "gate": str(gate)})
        step = running(job, "chatter")
        LogChunk.objects.filter(step=step).delete()
        Step.objects.filter(pk=step.pk).update(log_lines=0)
        gate.touch()
        assert finished(job).status == "succeeded"
    assert log_of(job, "chatter") == ["line 2 of the log", "line 3 of the log"]
    assert step_of(job, "chatter").log_lines == 2
    end = job.journal.get(step=step, to_status="succeeded")
    assert end.data["log_lines"] == 2


@pytest.mark.sqlite
@pytest.mark.parametrize("way", ["snapshot", "write", "watch"])
def test_a_process_leaves_a_file_that_was_replaced(trouble, way):
    watch = watch_commits()
    watch.changed()
    trouble.copy()
    gone = launch("noop")
    other = connection.copy()
    other.ensure_connection()  # another process still holds the old file open
    watch.changed()
    trouble.replace(close=False)
    if way == "watch":
        assert watch.changed()
    with database.write() if way == "write" else database.snapshot():
        assert not Job.objects.filter(pk=gone.pk).exists()
    kept = launch("diamond")
    other.close()  # it leaves the files of the new one alone
    connection.close()
    assert job_of(kept.pk).definition == "diamond"


@pytest.mark.sqlite
def test_a_missing_database_file_is_not_created(trouble):
    launch("noop")
    trouble.copy()
    path = Path(connection.settings_dict["NAME"])
    path.unlink()
    with pytest.raises(OperationalError, match="is gone"):
        launch("noop")
    with pytest.raises(OperationalError, match="is gone"):
        launch("noop")
    assert not path.exists()
    trouble.replace()
    assert launch("noop").pk
