"""A step logs 10,000 lines a second for a minute: is one lost, and how quick are other jobs?

    .venv/bin/python -m benchmarks.log_rate [--rate 10000] [--seconds 60] [--slots 2]

One worker. While the step logs, jobs of one step are launched ten times a second; what is measured
is the time from the launch to the end of such a job, as its row has both. The same is done before
without the lines, and the memory of the worker's process is read at the beginning and the end.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psutil

from benchmarks.support import chain, fork_worker, migrate, options, summary
from jobs import logs, orchestrator
from jobs.definitions import JobDefinition, step
from jobs.models import Job, Step
from jobs.runner import Run

PAUSE_SECONDS = 0.01  # between two bursts of lines
PING_SECONDS = 0.1
LOOK_SECONDS = 0.2
TEXT = "a line as a step logs it, neither short nor long, with a number"


def main() -> None:
    chosen = options(__doc__, rate=10_000, seconds=60.0, slots=2)
    migrate()
    talk, ping = talkative(chosen.rate, chosen.seconds), chain("Ping", 1)
    worker = fork_worker(chosen.slots)
    process = psutil.Process(worker)
    try:
        until = time.monotonic() + chosen.seconds / 4
        print(f"alone: {summary(pings(ping, lambda: time.monotonic() >= until))}", flush=True)
        before = process.memory_info().rss
        job = orchestrator.launch(talk)
        took = pings(ping, lambda: Job.objects.get(pk=job.pk).is_finished)
        grown = (process.memory_info().rss - before) / 2**20
    finally:
        os.kill(worker, signal.SIGTERM)
        os.waitpid(worker, 0)
    job.refresh_from_db()
    seconds = (job.ended_at - job.started_at).total_seconds()
    lines, lost = stored(job), round(chosen.rate * chosen.seconds)
    print(
        f"with {lines / seconds:,.0f} lines a second for {seconds:.0f} s: {summary(took)}; "
        f"{lost - lines} lines lost, the worker grew {grown:.0f} MiB"
    )


def talkative(rate: int, seconds: float) -> type[JobDefinition]:
    """A definition whose only step logs so many lines a second."""

    def talk(self: JobDefinition, run: Run) -> None:
        start, said, last = time.monotonic(), 0, round(rate * seconds)
        while said < last:
            due = min(last, round((time.monotonic() - start) * rate))
            for number in range(said + 1, due + 1):
                run.log(f"{TEXT} {number}")
            said = max(said, due)
            time.sleep(PAUSE_SECONDS)

    return type("Talk", (JobDefinition,), {"talk": step(talk)})


def pings(definition: type[JobDefinition], is_over: Callable[[], bool]) -> list[float]:
    """Milliseconds from the launch of each of many small jobs to its end."""
    first = orchestrator.launch(definition).pk
    while not is_over():
        time.sleep(PING_SECONDS)
        orchestrator.launch(definition)
    jobs = Job.objects.filter(definition=definition.name, pk__gte=first)
    while jobs.unfinished().exists():
        time.sleep(LOOK_SECONDS)
    return [
        (job.ended_at - job.created_at).total_seconds() * 1000
        for job in jobs
        if job.ended_at and job.created_at
    ]


def stored(job: Job) -> int:
    """How many lines of the log are there, each in its place."""
    row = Step.objects.get(job=job)
    wanted = 0
    for text in logs.text_of(row.pk):
        for line in text.splitlines():
            wanted += 1
            assert line == f"{TEXT} {wanted}", f"line {wanted} is {line!r}"
    return wanted


if __name__ == "__main__":
    main()
