"""Workers and web servers are replaced while jobs run: nothing is lost, and nothing charged."""

import signal
import urllib.request
from collections import Counter
from contextlib import ExitStack

import pytest
from django.db.models import Max

from jobs.management.children import END_SECONDS
from jobs.models import Attempt, Job, Step, Worker
from jobs.orchestrator import launch
from jobs.statuses import UNFINISHED
from tests.support import Program, at_length, log_of, program, running, step_of, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.either]

READY = 120.0  # seconds for a process to start on a busy machine
BACKLOG = 6  # jobs that have not ended, at any time
ENV = {"TEST_DRAIN": "0.2", "TEST_GRACE": "5"}  # most steps do not end in that time
MIX = ("chaos_chain", "chaos_diamond", "chaos_chatty")


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("restarts", at_length(1, 20))
def test_rolling_restarts_lose_no_step_and_charge_no_attempt(database, tmp_path, restarts):
    """New workers start before the old ones are stopped."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    marks.mkdir()
    unfinished = Job.objects.filter(status__in=UNFINISHED)

    def keep_busy():
        while unfinished.count() < BACKLOG:
            launch(MIX[Job.objects.count() % len(MIX)], {"marks": str(marks)})

    def while_busy(condition):
        wait_for(lambda: keep_busy() or condition(), READY, f"{condition}")

    def cast():
        """A web server with a worker, and a worker; once they are up."""
        newest = Worker.objects.aggregate(newest=Max("pk"))["newest"] or 0
        both = [Program("serve", "--port", "0", env=ENV), Program("worker", env=ENV)]
        for each in both:
            stack.callback(each.end)
        while_busy(lambda: any(line.startswith("Ready: ") for line in both[0].lines))
        while_busy(lambda: Worker.objects.filter(pk__gt=newest, beats__gte=1).count() >= 2)
        url = next(line for line in both[0].lines if line.startswith("Ready: ")).split()[1]
        with urllib.request.urlopen(f"{url}healthz", timeout=READY) as answer:
            assert answer.read() == b"ok"
        return both

    with ExitStack() as stack:
        old = cast()
        long = launch("patient", {"gate": str(gate)})  # it outlasts every drain
        while_busy(lambda: step_of(long, "wait").status == "running")
        for _ in range(restarts):
            new = cast()
            for each in old:
                each.process.terminate()
            while_busy(lambda leaving=old: all(e.process.poll() is not None for e in leaving))
            assert [each.wait() for each in old] == [0, 0]
            old = new
        gate.touch()
        wait_for(lambda: not unfinished.exists(), READY, "every job ends")
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}
    assert set(Step.objects.values_list("failures", "crashes")) == {(0, 0)}
    verdicts = Counter(Attempt.objects.values_list("verdict", flat=True))
    assert set(verdicts) == {"returned", "handed back"}
    assert verdicts["returned"] == Step.objects.count()
    assert list(marks.glob("*.twice")) == []


@pytest.fixture
def serving_stubborn(database):
    """A server whose worker runs a step that ignores that it is asked to stop."""
    with program("serve", "--port", "0", env={"TEST_GRACE": "60"}) as site:
        site.wait_for_line("Ready: ", READY)
        job = launch("stubborn")
        running(job, "resist")
        yield site, job


@pytest.mark.timeout(200)
def test_a_second_signal_to_the_server_stops_hard(serving_stubborn):
    site, job = serving_stubborn
    site.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "asked to stop" in log_of(job, "resist"), 30)
    site.process.send_signal(signal.SIGTERM)
    assert site.wait(30) == 0  # the grace is longer
    step = step_of(job, "resist")
    assert (step.status, step.failures) == ("pending", 0)
    assert Attempt.objects.get().verdict == "handed back"


@pytest.mark.full
@pytest.mark.timeout(200)
def test_the_server_waits_for_drain_and_grace_of_its_worker(database):
    """A step that ends only when the grace is over is handed back, not lost."""
    grace = END_SECONDS + 3  # longer than what the server adds to it
    with program("serve", "--port", "0", env={"TEST_GRACE": f"{grace}"}) as site:
        site.wait_for_line("Ready: ", READY)
        job = launch("stubborn")
        running(job, "resist")
        site.process.terminate()
        assert site.wait(grace + 60) == 0
    assert "asked to stop" in log_of(job, "resist")
    assert Attempt.objects.get().verdict == "handed back"
    with program("worker"):
        wait_for(lambda: step_of(job, "resist").attempt == 2, READY)
        Job.objects.filter(pk=job.pk).delete()
