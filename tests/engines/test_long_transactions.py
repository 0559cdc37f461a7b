"""A step keeps the database locked: what waits, what is shown, and what is kept."""

import os
import signal
import time
from contextlib import ExitStack, contextmanager
from io import StringIO

import psutil
import pytest
from django.core.management import call_command
from django.db import connection

from jobs import database as db
from jobs import local_steps
from jobs.models import Attempt, Job, Worker
from jobs.orchestrator import launch
from jobs.statuses import Kind
from jobs.workers import inbox
from tests.support import (
    finished,
    job_of,
    program,
    statuses,
    step_of,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import SHORT_LEASE, family, sleepers

pytestmark = pytest.mark.slow

LEASE = float(SHORT_LEASE["TEST_LEASE"])
HOLD_SECONDS = float(os.environ.get("HOLD_SECONDS", 2 * LEASE))  # 600 for the whole ten minutes


@pytest.fixture
def hoarding(database, tmp_path):
    """``hoarding()``: a job whose step holds the database's lock until the block ends."""

    @contextmanager
    def hoard(lock=""):
        gate = tmp_path / "gate"
        job = launch("hoard", {"gate": str(gate), "lock": lock})
        wait_for(lambda: os.path.exists(f"{gate}.held"), 60, "the step holds the lock")
        try:
            yield job
        finally:
            gate.touch()

    return hoard


def named(job):
    return f"step write of job {job.pk} (hoard), which has run since "


def slot_of(gate):
    return psutil.Process(int((gate.parent / "gate.held").read_text()))


@pytest.mark.sqlite
@pytest.mark.timeout(HOLD_SECONDS + 120)
def test_other_work_during_a_long_transaction_is_written_afterwards(hoarding, ada, tmp_path):
    talk = tmp_path / "talk"
    with ExitStack() as stack:
        worker = stack.enter_context(program("worker", "--slots", "3", env=SHORT_LEASE))
        brief, patient = launch("brief"), launch("patient", {"gate": str(talk)})
        running = Attempt.objects.filter(step__job__in=[brief, patient], ended_at=None)
        wait_for(lambda: running.count() == 2, 60)
        sleeping = wait_for(lambda: sleepers(worker))
        hold = stack.enter_context(ExitStack())
        job = hold.enter_context(hoarding())
        launching = stack.enter_context(program("launch", "noop"))
        began = time.monotonic()
        talk.touch()

        page = f"/jobs/{job.pk}/"
        wait_for(lambda: named(job) in ada.get(page).content.decode(), 10, "it is named")
        assert named(job) in ada.get("/").content.decode()
        assert named(job) in ada.get("/admin/truestep/job/").content.decode()
        shown = StringIO()
        call_command("show", job.pk, stdout=shown)
        assert named(job) in shown.getvalue()

        asked_at = time.monotonic()
        answer = ada.post("/launch/patient/", {"gate": "kept in the form"})
        assert time.monotonic() - asked_at < 5 + 3  # on a busy machine
        assert answer.status_code == 503
        assert named(job) in answer.content.decode()
        assert 'value="kept in the form"' in answer.content.decode()

        wait_until_gone(sleeping)  # its time was up
        wait_for(lambda: any(named(job) in line for line in launching.errors), 60, "launch waits")
        wait_for(lambda: time.monotonic() > began + HOLD_SECONDS, HOLD_SECONDS + 5)
        assert Job.objects.count() == 3
        assert Attempt.objects.filter(ended_at=None).count() == 3
        hold.close()
        assert finished(job, 60).status == "succeeded"
        assert finished(brief).status == "failed"
        assert finished(patient).status == "succeeded"
        assert launching.wait(60) == 0
        assert worker.process.poll() is None
    assert verdicts(job, "write") == verdicts(patient, "wait") == ["returned"]
    assert verdicts(brief, "overrun") == ["timed out"]
    assert Worker.objects.filter(only_job=None).count() == 1, "it never registered again"
    freed_at = step_of(job, "write").attempts.get().ended_at
    launched = Job.objects.get(definition="noop")
    assert (launched.started_at - freed_at).total_seconds() < 2
    assert len([line for line in worker.errors if "is locked by" in line]) < 5


def test_a_cancel_of_the_holder_reaches_its_worker_and_is_journaled_afterwards(
    hoarding, ada, tmp_path
):
    with program("worker", env=SHORT_LEASE), hoarding(FOR_ALL) as job:
        slot = slot_of(tmp_path / "gate")
        with db.lock_timeout(0.3):
            answer = ada.post(f"/jobs/{job.pk}/cancel/", follow=True)
        assert answer.status_code == 200
        output = answer.content.decode()
        assert "worker was asked directly" in output
        wait_until_gone([slot])
        assert finished(job, 30).status == "cancelled"
    request, note = job.journal.filter(kind__in=[Kind.REQUEST, Kind.NOTE]).order_by("seq")
    assert (request.reason, request.actor, request.source) == ("cancel", "ada", "page")
    assert "its worker was told" in note.reason
    assert verdicts(job, "write") == ["stopped"]
    assert list(inbox._directory().iterdir()) == []


@pytest.mark.sqlite
def test_a_cancel_outlives_the_worker_that_received_it(hoarding, ada, tmp_path):
    with program("worker", env=SHORT_LEASE) as first, hoarding() as job:
        wait_for(
            lambda: job.pk in {entry.job for entry in local_steps.read_all()}, 30, "it is told"
        )
        processes = [psutil.Process(first.process.pid), *family(first)]
        for process in processes:
            process.suspend()
        try:
            assert inbox.request_cancel(job.pk, actor="ada", source="page")
        finally:
            for process in processes:
                process.kill()
        with program("worker", env=SHORT_LEASE):
            assert finished(job, 60).status == "cancelled"
    [request] = job.journal.filter(kind=Kind.REQUEST)
    assert (request.actor, request.source) == ("ada", "page")
    assert list(inbox._directory().iterdir()) == []


@pytest.mark.sqlite
def test_a_worker_frozen_in_a_transaction_is_found_within_the_lease(hoarding, tmp_path):
    with ExitStack() as stack:
        workers = [
            stack.enter_context(program("worker", "--slots", "1", env=SHORT_LEASE))
            for _ in range(2)
        ]
        for worker in workers:
            worker.wait_for_line("Worker with")
        wait_for(lambda: Worker.objects.count() == 2, 60)
        with hoarding() as job:
            slot = slot_of(tmp_path / "gate")
            pid = Attempt.objects.get().worker.pid
            os.kill(pid, signal.SIGSTOP)
            frozen_at = time.monotonic()
            wait_until_gone([slot])  # and the lock is free
            wait_for(lambda: verdicts(job, "write") == ["lost"], 30)
            assert time.monotonic() - frozen_at < LEASE + 3  # on a busy machine
            os.kill(pid, signal.SIGCONT)
    assert job_of(job.pk).status == "failed"


TABLES = "truestep_job, truestep_step, truestep_attempt, truestep_transition, truestep_worker"
FOR_ALL = f"LOCK TABLE {TABLES} IN EXCLUSIVE MODE" if connection.vendor == "postgresql" else ""


@pytest.mark.postgres
@pytest.mark.parametrize(
    "mode",
    [
        "ACCESS EXCLUSIVE",
        *(pytest.param(m, marks=pytest.mark.full) for m in ("EXCLUSIVE", "SHARE")),
    ],
)
def test_a_step_that_locks_the_tables_kills_no_worker_and_no_step(hoarding, tmp_path, mode):
    gate = tmp_path / "other"
    away = SHORT_LEASE | {"DJANGO_SETTINGS_MODULE": "tests.faults.other_host_settings"}
    with (
        program("worker", "--slots", "2", env=SHORT_LEASE) as worker,
        program("worker", "--slots", "1", env=away) as other,
    ):
        patient = launch("patient", {"gate": str(gate)})
        wait_for(lambda: step_of(patient, "wait").status == "running", 60)
        with hoarding(f"LOCK TABLE {TABLES} IN {mode} MODE") as job:
            began = time.monotonic()
            wait_for(lambda: time.monotonic() > began + 2 * LEASE, 2 * LEASE + 5)
            gate.touch()
        assert finished(job, 60).status == "succeeded"
        assert finished(patient, 60).status == "succeeded"
        assert worker.process.poll() is None is other.process.poll()
    assert verdicts(job, "write") == verdicts(patient, "wait") == ["returned"]
    assert Worker.objects.count() == 2
    assert set(statuses(patient).values()) == {"succeeded"}
