"""Does a step cost more in a wide or a long job than in one of five steps?

    .venv/bin/python benchmarks/wide_job.py [--steps 10000] [--chain 1000] [--slots 2]

A worker runs jobs whose steps do nothing: many of five steps, one with all steps side by side and a
last one that needs them all, and one long chain. Then a job that nothing has started is cancelled.
Each run has a worker of its own; its CPU is that of all its processes, starting and stopping them
included. With less than --steps 10000 it takes some seconds:

    .venv/bin/python benchmarks/wide_job.py --steps 1000 --chain 200

DATABASE_URL may name an empty PostgreSQL; pg_virtualenv makes one, see commit_to_dom.py.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from big_job import chain, fan  # noqa: E402
from commit_to_dom import manage  # noqa: E402

SMALL = 5  # steps of a job that others are compared with
LOOK_SECONDS = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=10_000, help="side by side")
    parser.add_argument("--chain", type=int, default=1_000, help="one after another")
    parser.add_argument("--slots", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        manage("migrate", "-v0").wait()
        import django

        django.setup()
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """One shape after the other, all with the same slots; small jobs run before and after."""
    small, wide, long = (
        chain("Small", SMALL),
        fan("Wide", options.steps),
        chain("Long", options.chain),
    )
    few = max(1, min(options.steps, 2_000) // SMALL)
    before = run("5 steps", small, few, options.slots)
    rates = {
        "side by side": run(f"{options.steps:,} side by side", wide, 1, options.slots),
        "in a chain": run(f"{options.chain:,} in a chain", long, 1, options.slots),
    }
    after = run("5 steps again", small, few, options.slots)
    for shape, rate in rates.items():
        print(f"{shape}: {rate / (before + after) * 2:.2f} times the steps/s of 5-step jobs")
    cancel(wide)


def run(name: str, definition: Any, count: int, slots: int) -> float:
    """Run *count* jobs to their end; steps a second, between the first claim and the last end."""
    from django.db.models import Max, Min

    from jobs import orchestrator
    from jobs.models import Job

    start = time.perf_counter()
    ids = [orchestrator.launch(definition).pk for _ in range(count)]
    launched = (time.perf_counter() - start) / count
    jobs = Job.objects.filter(pk__in=ids)
    worker = start_worker(slots)
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


def start_worker(slots: int) -> int:
    """The pid of a worker that knows the definitions made here; SIGTERM ends it."""
    from django.db import connections

    from jobs.engines.base import get_engine

    connections.close_all()
    pid = os.fork()
    if pid == 0:
        try:
            worker = get_engine().worker(slots)
            signal.signal(signal.SIGTERM, lambda *_: worker.stop())
            worker.run()
        finally:
            os._exit(0)
    return pid


def cancel(definition: Any) -> None:
    """How long does it take to cancel a job of which every step is pending?"""
    from jobs import orchestrator

    job = orchestrator.launch(definition)
    start = time.perf_counter()
    orchestrator.cancel(job.pk)
    taken = time.perf_counter() - start
    print(f"cancel of {job.steps.count():,} pending steps: {taken:.2f} s")


if __name__ == "__main__":
    main()
