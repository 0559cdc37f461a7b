"""Processes that have nothing to do sleep, and wake when something happens."""

import math
import time

import psutil
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import workers
from jobs.engines import embedded
from jobs.engines.embedded import EmbeddedWorker
from jobs.models import Worker
from jobs.orchestrator import cancel, launch
from jobs.system.wakeup import Wakeup
from jobs.upkeep import Sweep
from jobs.workers.exits import WorkerExits
from tests.support import finished, job_of, program, step_of, wait_for

pytestmark = pytest.mark.slow


def waits(processes):
    """How often these processes have gone to sleep so far."""
    return sum(process.num_ctx_switches().voluntary for process in processes)


def test_no_process_wakes_up_while_there_is_nothing_to_do(serving):
    with serving(env={"TEST_BEAT": "5"}) as running:
        finished(launch("noop"))
        supervisor = psutil.Process(running.process.pid)
        processes = [supervisor, *supervisor.children()]
        assert len(processes) == 3  # and a web server, and a worker

        def are_quiet():
            before = waits(processes)
            time.sleep(2)
            return waits(processes) - before < 60

        wait_for(are_quiet)  # to poll would be to wait a few hundred times
        finished(launch("noop"))


def test_the_end_of_a_worker_wakes_others_and_a_check_of_it_does_not(claimant):
    exits = WorkerExits()
    assert exits.are_reported
    with program("worker") as running:
        other = wait_for(lambda: Worker.objects.filter(pid=running.process.pid).first())
        sweep = Sweep(claimant, exits.are_reported)
        sweep.run(held=())
        assert workers.is_alive(other)
        assert not exits.occurred()
        running.process.kill()
        wait_for(exits.occurred)
        slowly = sweep.due_at
        sweep.hurry()
        assert sweep.due_at < slowly
        wait_for(lambda: workers.is_gone(other))
    exits.close()


def test_a_sweep_looks_for_ready_steps_only_after_a_possible_commit(claimant):
    sweep = Sweep(claimant)
    sweep.run(held=())
    with CaptureQueriesContext(connection) as idle:
        sweep.run(held=())
    assert not any("step.waiting" in query["sql"] for query in idle)
    launch("noop")
    sweep.has_news = True
    for _ in range(2):  # what is there is looked at until it is done
        with CaptureQueriesContext(connection) as busy:
            sweep.run(held=())
        assert any("step.waiting" in query["sql"] for query in busy)


class Deaf(Wakeup):
    """A watch that hears of no commit, as behind a pooler that shares connections."""

    pause = math.inf

    def changed(self):
        return False

    def wrote(self):
        pass

    def mute(self, seconds):
        pass

    def close(self):
        self.clear()


def test_a_worker_without_a_free_slot_looks_around_although_nothing_is_reported(
    database, monkeypatch
):
    monkeypatch.setattr(embedded, "watch_commits", lambda of_work: Deaf())
    monkeypatch.setattr(embedded, "NET_SECONDS", 0.1)
    connection.close()
    worker = EmbeddedWorker(1)
    job = launch("hangs")
    asked_at = []

    def is_over():
        if step_of(job, "hang").log_lines and not asked_at:
            cancel(job.pk)
            asked_at.append(time.monotonic())
        return job_of(job.pk).is_finished or (asked_at and time.monotonic() > asked_at[0] + 2)

    worker.run(until=is_over)
    end = job.journal.get(step__name="hang", from_status="running")
    assert end.reason == "cancelled while it ran"  # and not "its worker stopped"
