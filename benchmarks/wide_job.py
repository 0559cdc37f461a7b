"""Does a step cost more in a wide or a long job than in one of five steps?

    .venv/bin/python -m benchmarks.wide_job [--steps 10000] [--chain 1000] [--slots 2]

A worker runs jobs whose steps do nothing: many of five steps, one with all steps side by side and a
last one that needs them all, and one long chain. Then a job of which no step has started is
cancelled. Each run has its own worker; its CPU time is that of all its processes, including their
start and end. This takes some seconds only:

    .venv/bin/python -m benchmarks.wide_job --steps 1000 --chain 200
"""

from __future__ import annotations

import os
import signal
import time

from django.db.models import Max, Min

from benchmarks.support import chain, fan, fork_worker, migrate, options
from jobs import orchestrator
from jobs.definitions import JobDefinition
from jobs.models import Job

SMALL = 5  # steps of the jobs that others are compared with
LOOK_SECONDS = 0.2


def main() -> None:
    chosen = options(__doc__, steps=10_000, chain=1_000, slots=2)
    migrate()
    compare(chosen.steps, chosen.chain, chosen.slots)


def compare(steps: int, length: int, slots: int) -> None:
    """Run one shape after the other with the same slots, and small jobs before and after."""
    small, wide, long = chain("Small", SMALL), fan("Wide", steps), chain("Long", length)
    count = max(1, min(steps, 2_000) // SMALL)
    before = run("5 steps", small, count, slots)
    rates = {
        "side by side": run(f"{steps:,} side by side", wide, 1, slots),
        "in a chain": run(f"{length:,} in a chain", long, 1, slots),
    }
    after = run("5 steps again", small, count, slots)
    for shape, rate in rates.items():
        print(f"{shape}: {rate / (before + after) * 2:.2f} times the steps/s of 5-step jobs")
    cancel(wide)


def run(name: str, definition: type[JobDefinition], count: int, slots: int) -> float:
    """Run *count* jobs to their end; steps a second, between the first claim and the last end."""
    start = time.perf_counter()
    ids = [orchestrator.launch(definition).pk for _ in range(count)]
    launched = (time.perf_counter() - start) / count
    jobs = Job.objects.filter(pk__in=ids)
    worker = fork_worker(slots)
    while jobs.unfinished().exists():
        time.sleep(LOOK_SECONDS)
    os.kill(worker, signal.SIGTERM)
    _, _, used = os.wait4(worker, 0)
    assert not jobs.exclude(status="succeeded").exists()
    times = jobs.aggregate(began=Min("started_at"), ended=Max("ended_at"))
    steps = count * len(definition.steps())
    rate: float = steps / (times["ended"] - times["began"]).total_seconds()
    cpu = (used.ru_utime + used.ru_stime) / steps * 1000
    print(
        f"{name}: {steps:,} steps, {rate:.0f} steps/s, {cpu:.1f} ms CPU a step, "
        f"launched in {launched * 1000:.0f} ms",
        flush=True,
    )
    return rate


def cancel(definition: type[JobDefinition]) -> None:
    """Print how long it takes to cancel a job of which every step is pending."""
    job = orchestrator.launch(definition)
    start = time.perf_counter()
    orchestrator.cancel(job.pk)
    taken = time.perf_counter() - start
    print(f"cancel of {job.steps.count():,} pending steps: {taken:.2f} s")


if __name__ == "__main__":
    main()
