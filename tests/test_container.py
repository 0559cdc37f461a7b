"""``serve`` and ``worker`` as process 1 of a container."""

from __future__ import annotations

import signal
import subprocess

import psutil
import pytest

from jobs.orchestrator import launch
from tests.support import Program, job_of, wait_for

CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def can_be_process_1() -> bool:
    return subprocess.run([*CONTAINER, "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.either,
    pytest.mark.skipif(not can_be_process_1(), reason="needs unshare --pid, as root has it"),
]


@pytest.fixture
def contained(database):
    """``contained("serve")``: the command as process 1; a Program, and the process."""
    started: list[Program] = []

    def start(*arguments: str) -> tuple[Program, psutil.Process]:
        program = Program(*arguments, before=CONTAINER)
        started.append(program)
        return program, wait_for(
            lambda: next(iter(psutil.Process(program.process.pid).children()), None)
        )

    yield start
    for program in started:
        program.end()


@pytest.mark.slow
def test_serve_as_process_1_reaps_orphans_and_stops_on_sigterm(contained):
    program, serve = contained("serve", "--port", "0")
    program.wait_for_line("Ready: ")
    job = launch("noop")
    wait_for(lambda: job_of(job.pk).is_finished)
    worker = next(child for child in serve.children() if child.cmdline()[-1] == "worker")
    orphans = worker.children()  # its fork server; the kernel gives it to process 1
    assert orphans
    worker.kill()
    wait_for(lambda: not any(orphan.is_running() for orphan in orphans), what="no zombie stays")
    again = launch("noop")
    wait_for(lambda: job_of(again.pk).is_finished, 30, "the worker was started again")
    serve.send_signal(signal.SIGTERM)
    assert program.wait(20) == 0


@pytest.mark.slow
def test_a_worker_as_process_1_runs_steps_and_stops_on_sigterm(contained):
    program, worker = contained("worker", "--slots", "1")
    program.wait_for_line("Worker with")
    job = launch("noop")
    wait_for(lambda: job_of(job.pk).is_finished)
    worker.send_signal(signal.SIGTERM)
    assert program.wait(20) == 0
