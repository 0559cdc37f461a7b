"""What is promised in seconds of workers that end and of steps that are cancelled."""

import time
import uuid

import psutil
import pytest
from django.utils import timezone

from jobs import conf
from jobs.models import Attempt, Step, Worker
from jobs.orchestrator import cancel, launch
from jobs.statuses import Status
from tests.faults.processes import carrying
from tests.support import finished, job_of, program, running, statuses, step_of, verdicts, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.either]

READY = 120.0  # seconds for a worker to start on a busy machine
ELSEWHERE = {
    "DJANGO_SETTINGS_MODULE": "tests.faults.other_host_settings",
    "TEST_BEAT": "5",
    "TEST_LEASE": "15",
}


def left(job, name, status):
    """The moment at which a step left a status, by the journal."""
    return job.journal.filter(step__name=name, from_status=status).latest("seq").at


def killed_and_noticed(first, second_env, gate):
    """Kill the worker of a step; seconds until another one has journaled that."""
    first.wait_for_line("Worker with", READY)
    job = launch("patient", {"gate": str(gate)})
    running(job, "wait")
    with program("worker", env=second_env) as second:
        beating = Worker.objects.filter(beats__gte=1)
        wait_for(lambda: beating.filter(pid=second.process.pid).exists(), READY)
        killed_at = timezone.now()
        first.process.kill()
        wait_for(lambda: verdicts(job, "wait")[0] == "lost", 60, "the other one notices")
        seconds = (left(job, "wait", Status.RUNNING) - killed_at).total_seconds()
        gate.touch()
        assert finished(job, 60).status == "succeeded"
    assert verdicts(job, "wait") == ["lost", "returned"]
    return seconds


@pytest.mark.timeout(400)
def test_a_killed_worker_is_noticed_within_a_second(database, tmp_path):
    with program("worker", "--slots", "1") as first:
        assert killed_and_noticed(first, {}, tmp_path / "gate") <= 1


@pytest.mark.full
@pytest.mark.timeout(400)
def test_a_host_that_vanished_is_noticed_soon_after_the_lease(database, tmp_path):
    lease, here = conf.Knobs.lease, {"TEST_BEAT": "5", "TEST_LEASE": "15"}
    with program("worker", "--slots", "1", env=ELSEWHERE) as first:
        seconds = killed_and_noticed(first, here, tmp_path / "gate")
    assert Attempt.objects.get(number=1, step__name="wait").worker.host == "elsewhere"
    assert 5 < seconds <= lease + 2  # it was not seen by its lock


@pytest.fixture
def worker(database):
    """As everywhere, for a busy machine."""
    with program("worker", "--slots", "2") as running_worker:
        running_worker.wait_for_line("Worker with", READY)
        yield running_worker


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("watches", "watch"),
        ("only_logs", "speak"),
        ("only_progresses", "progress"),
        ("only_tracks", "track"),
    ],
)
def test_a_cooperative_step_stops_within_a_second(worker, name, step):
    assert seconds_to_stop(name, step) <= 1


def test_one_that_ignores_it_stops_within_the_grace_and_a_second(worker):
    assert seconds_to_stop("stubborn", "resist") <= conf.knobs().grace + 1


def seconds_to_stop(name, step):
    job = launch(name)
    running(job, step)
    asked_at = timezone.now()
    cancel(job.pk)
    assert finished(job).status == "cancelled"
    assert step_of(job, step).status == "cancelled"
    return (job_of(job.pk).ended_at - asked_at).total_seconds()


@pytest.mark.full
@pytest.mark.timeout(300)
def test_50_steps_that_multiply_leave_no_process(database):
    mark = {"TRUESTEP_BROOD": uuid.uuid4().hex}

    def alive():
        return carrying("TRUESTEP_BROOD", mark["TRUESTEP_BROOD"])

    with (
        program("worker", "--slots", "5", env=mark) as first,
        program("worker", "--slots", "5", env=mark) as second,
    ):
        for worker in (first, second):
            worker.wait_for_line("Worker with", READY)
        for _ in range(5):
            jobs = [launch("multiplies") for _ in range(2)]
            speaking = Step.objects.filter(job__in=jobs, log_lines__gt=0)
            wait_for(lambda rows=speaking: rows.count() == 10, READY, "all multiply")
            assert len(alive()) > 4 + 2 * 10
            for job in jobs:
                cancel(job.pk)
            for job in jobs:
                assert finished(job, 60).status == "cancelled"
                assert set(statuses(job).values()) == {"cancelled"}
        left = 2 * (1 + 1 + 5)
        wait_for(lambda: len(alive()) == left, 10, "workers, fork servers and spares are left")
    assert Attempt.objects.count() == 50
    wait_for(lambda: not alive(), 10, "nothing is left")


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_step_that_kills_its_worker_each_time_is_stopped(database):
    limit = conf.Knobs.crashes
    with (
        program("worker", "--slots", "1") as one,
        program("worker", "--slots", "1") as two,
        program("worker", "--slots", "1") as three,
        program("worker", "--slots", "1") as four,
    ):
        workers = [one, two, three, four]
        for worker in workers:
            worker.wait_for_line("Worker with", READY)
        job = finished(launch("poisons_workers"), 60)
        assert verdicts(job, "kill") == ["lost"] * limit
        last = job.journal.get(step__isnull=False, to_status="failed").reason
        assert last == f"its worker was lost, {limit} times in all (TRUESTEP['crashes'])"
        wait_for(lambda: sum(w.process.poll() is None for w in workers) == len(workers) - limit)
        assert finished(launch("noop"), 60).status == "succeeded"


def test_the_slots_of_a_killed_worker_end_before_their_steps_are_claimed(database, tmp_path):
    """Else both attempts would run side by side for a moment."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with program("worker", "--slots", "1") as first, program("worker", "--slots", "1") as second:
        for worker in (first, second):
            worker.wait_for_line("Worker with", READY)
        job = launch("chaos_long", {"marks": str(marks)})
        running_step = wait_for(lambda: job.steps.filter(status="running", done__gt=0).first())
        owner = Attempt.objects.get(step=running_step, number=1).worker.pid
        fork_server = psutil.Process(owner).children()[0]
        fork_server.suspend()  # as slow as it likes
        psutil.Process(owner).kill()
        seen_until = time.monotonic() + 1.5  # a second is what it takes to notice
        try:
            while time.monotonic() < seen_until:
                assert step_of(job, running_step.name).attempt == 1
                time.sleep(0.05)
        finally:
            fork_server.resume()
        wait_for(lambda: step_of(job, running_step.name).attempt == 2, READY)
        cancel(job.pk)
        finished(job)
