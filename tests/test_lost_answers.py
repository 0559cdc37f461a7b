"""The connection is cut when a commit was sent and before its answer: it counts, once."""

import pytest

from jobs.models import Attempt, Job, Worker
from jobs.orchestrator import launch
from jobs.statuses import Kind
from tests.faults.database import SECONDS
from tests.faults.postgres_proxy import PostgresProxy
from tests.support import finished, journal, program, running, verdicts, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

ONCE = [("pending", "running"), ("running", "succeeded")]


EITHER = pytest.mark.parametrize(
    "arrives",
    [
        pytest.param(True, id="it arrived"),
        pytest.param(False, id="it did not", marks=pytest.mark.full),
    ],
)


@pytest.fixture
def proxy(database):
    made = PostgresProxy()
    yield made
    made.end()


def worker_of(proxy, **env):
    return program("worker", "--slots", "1", env={"DATABASE_URL": proxy.url} | env)


@EITHER
def test_an_end_is_recorded_once_and_the_worker_goes_on(proxy, tmp_path, arrives):
    """The connection is cut during its batch: it is written once, also when it had arrived."""
    gate = tmp_path / "gate"
    with worker_of(proxy) as worker:
        job = launch("waits", {"gate": str(gate)})
        running(job, "waiting", SECONDS)
        proxy.lose("step.returned", "succeeded", arrives=arrives, alone=True)
        gate.touch()
        assert finished(job, SECONDS).status == "succeeded"
        assert proxy.lost.is_set()
        assert worker.process.poll() is None
    for name in ("before", "waiting", "after"):
        assert [(old, new) for step, old, new in journal(job) if step == name] == ONCE
        assert verdicts(job, name) == ["returned"]  # also the successor that the batch has started
    assert not job.journal.filter(kind=Kind.NOTE).exists()


@EITHER
def test_a_launch_is_one_job_or_none_and_says_which(proxy, arrives):
    proxy.lose('"birth"', "noop", arrives=arrives, alone=True)
    command = ("launch", "--detach", "noop")
    with program(*command, env={"DATABASE_URL": proxy.url}) as launching:
        code = launching.wait()
    assert proxy.lost.is_set()
    if arrives:
        assert (code, launching.lines) == (0, [str(job.pk) for job in Job.objects.all()])
    else:
        assert (code, launching.lines, Job.objects.count()) == (4, [], 0)


@EITHER
def test_a_claim_counts_once_or_is_requeued(proxy, arrives):
    with worker_of(proxy) as worker:
        worker.wait_for_line("Worker with")
        wait_for(Worker.objects.filter(stopped_at=None).exists, SECONDS)
        proxy.lose("step.claimed", "claimed by", arrives=arrives, alone=True)
        job = launch("noop")
        assert finished(job, SECONDS).status == "succeeded"
        assert proxy.lost.is_set()
    assert Attempt.objects.filter(verdict="returned").count() == 5
    assert Attempt.objects.exclude(verdict="returned").count() == 0


@EITHER
def test_a_beat_is_no_death(proxy, tmp_path, arrives):
    gate = tmp_path / "gate"
    with worker_of(proxy) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait", SECONDS)
        proxy.lose('UPDATE "truestep_worker"', "beats", arrives=arrives, alone=True)
        wait_for(proxy.lost.is_set, SECONDS)
        beats = Worker.objects.get().beats
        wait_for(lambda: Worker.objects.get().beats > beats + 1, SECONDS)
        gate.touch()
        assert finished(job, SECONDS).status == "succeeded"
        assert not any("registers again" in line for line in worker.errors)
    assert Worker.objects.count() == 1
    assert verdicts(job, "wait") == ["returned"]
