"""Spares are there before a step needs them."""

import math
import os
import select
import signal
import subprocess
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from jobs.codes import Fact
from jobs.runner import Limits, Task
from jobs.slots.pool import Pool
from jobs.slots.slot import Slot
from jobs.statuses import Verdict
from tests.support import wait_for

TASK = Task(
    definition="noop",
    step="one",
    attempt=1,
    params={},
    results="{}",
    idempotency_key="key",
    limits=Limits(error_bytes=1000, result_bytes=1000),
)


HANGS = replace(TASK, definition="counts", step="count")


@pytest.fixture
def pool():
    """A pool of two slots, whose spares are there."""
    pool = Pool(2)
    try:
        pool.beat()
        wait_until_spares(pool)
        yield pool
    finally:
        pool.close()


def listens(pool):
    pool.listen(0.01)
    return True


def wait_until_spares(pool, count=2):
    wait_for(lambda: listens(pool) and len(pool.spares) == count)


def start(pool, job_id, task=TASK):
    claim = SimpleNamespace(job_id=job_id, timeout=None, warn_after=None, log_lines=0)
    return pool.run(claim, task)


def run(pool, job_id):
    """Run a step of a job; the process that ran it."""
    running = start(pool, job_id)
    wait_for(lambda: listens(pool) and running.outcome)
    assert running.outcome.verdict is Verdict.RETURNED
    pool.release(running)
    return running.slot.pid


def test_spares_are_forked_ahead_and_refilled(pool):
    ahead = [slot.pid for slot in pool.spares]
    for job_id in range(10):
        pid = run(pool, job_id)
        assert run(pool, job_id) == pid  # the next step of the same job
        wait_until_spares(pool)
        assert pid in ahead
        ahead = [slot.pid for slot in pool.spares]
    assert (pool.attempts, pool.waits_for_fork) == (20, 0)


def test_spares_are_forked_before_anybody_listens():
    pool = Pool(2)
    with closing(pool):
        pool.beat()
        server = psutil.Process(pool._server.pid)
        wait_for(lambda: len(server.children()) == 2 and pool._server.has_events())
        assert not pool.spares  # nobody has read of them
        start(pool, 1)
        assert (pool.attempts, pool.waits_for_fork) == (1, 0)


def test_a_step_without_a_spare_slot_waits_for_a_fork_and_is_counted(pool):
    pool._refill_at = math.inf
    for job_id in range(3):
        start(pool, job_id)
    assert (pool.attempts, pool.waits_for_fork) == (3, 1)


def test_a_step_that_returned_did_not_die_when_its_exit_is_heard_first(pool):
    running = start(pool, 1)
    assert select.select([running.slot.conversation], [], [], 30)[0]
    os.kill(running.slot.pid, signal.SIGKILL)
    while running.outcome is None:  # the server may tell of a fork first
        assert select.select([pool._server], [], [], 30)[0]
        pool._read_server()
    assert running.outcome.verdict is Verdict.RETURNED


def test_output_without_end_is_read_as_far_as_it_has_come(pool):
    running = start(pool, 1)
    wait_for(lambda: listens(pool) and running.outcome)  # its stdout is the pipe now
    with open(f"/proc/{running.slot.pid}/fd/1", "wb") as output:
        writer = subprocess.Popen(["timeout", "3", "yes"], stdout=output)
        try:
            wait_for(lambda: not select.select([], [output], [], 0)[1], what="the pipe is full")
            pool.read_to_the_end(running)
            assert writer.poll() is None
        finally:
            writer.terminate()
            writer.wait()


def asked_to_stop(pool, running):
    pool.ask_to_stop(running, Verdict.STOPPED, Fact.text("asked by a test"))
    return running


def ends_by_itself(pool, running):
    """Whether its slot ends without being killed, and without having begun the step."""
    wait_for(lambda: listens(pool) and running.outcome)
    return running.outcome.verdict is Verdict.STOPPED and not running.outcome.traceback


def test_a_stop_before_the_slot_has_read_its_task_is_not_lost(pool):
    run(pool, 1)
    slot = next(slot for slot in pool._slots if slot.job_id == 1)
    os.kill(slot.pid, signal.SIGSTOP)
    running = asked_to_stop(pool, start(pool, 1, HANGS))
    assert running.slot is slot
    os.kill(slot.pid, signal.SIGCONT)
    assert ends_by_itself(pool, running)


def freeze_at_birth(monkeypatch):
    """Each slot stops before its first own line, until the test continues it."""

    def main(*given):
        os.kill(os.getpid(), signal.SIGSTOP)
        begin(*given)

    begin = Slot.main
    monkeypatch.setattr(Slot, "main", main)


def test_a_stop_while_the_slot_starts_is_not_lost(monkeypatch):
    freeze_at_birth(monkeypatch)
    with closing(Pool(1)) as pool:
        pool.beat()
        running = asked_to_stop(pool, start(pool, 1, HANGS))
        process = psutil.Process(running.slot.pid)
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED)
        process.resume()
        assert ends_by_itself(pool, running)


def test_a_slot_ends_by_itself_after_the_last_step_of_its_job(pool):
    running = start(pool, 1, replace(TASK, is_last=True))
    wait_for(lambda: listens(pool) and running.slot.is_dead)  # not released, so not dismissed
    assert running.outcome.verdict is Verdict.RETURNED
    pool.release(running)
    assert start(pool, 1).slot is not running.slot


def test_a_slot_ends_with_its_job(pool):
    process = psutil.Process(run(pool, 1))
    wait_for(lambda: listens(pool) and not process.is_running())
    assert process.pid not in psutil.Process(os.getpid()).children(recursive=True)


@pytest.mark.slow
def test_a_spare_that_is_killed_is_replaced(pool):
    for slot in pool.spares:
        psutil.Process(slot.pid).kill()
    wait_for(lambda: listens(pool) and not pool.spares)
    wait_until_spares(pool)
