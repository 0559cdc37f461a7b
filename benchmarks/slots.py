"""What does a job pay for a process of its own?

    .venv/bin/python -m benchmarks.slots [--jobs 200]

Processor time and page faults of a job whose steps do nothing, without a database: of the fork
server, of the slots until they have ended, and of the engine that sends the steps. The last line
has all steps in one job, so that one process runs them. Page faults hardly depend on the machine
or on what else it does.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.support import chain, options
from jobs.journal import Claim
from jobs.runner import Limits, Task
from jobs.slots.pool import Pool
from jobs.statuses import Verdict

SLOTS = 2
ids = itertools.count(1)


class Used(NamedTuple):
    """What the fork server and its slots have used so far: milliseconds and page faults."""

    server: float
    server_faults: int
    slots: float  # those that have ended
    slots_faults: int
    engine: float


def main() -> None:
    jobs = int(options(__doc__, jobs=200).jobs)
    chain("Nothing", 1)
    pool = Pool(SLOTS)
    try:
        listen_until(pool, lambda: len(pool.spares) == SLOTS)
        measure(pool, jobs=10, steps=5)
        print("a job of            fork server            slots         engine")
        for count, steps in ((jobs, 1), (jobs, 5), (1, jobs * 5)):
            show(measure(pool, jobs=count, steps=steps), count, steps)
    finally:
        pool.close()


def measure(pool: Pool, jobs: int, steps: int) -> Used:
    before = used(pool)
    for _ in range(jobs):
        job = next(ids)
        for left in reversed(range(steps)):
            run(pool, job, is_last=left == 0)
    listen_until(pool, lambda: len(pool._slots) == len(pool.spares) == SLOTS)
    return Used(*(after - then for after, then in zip(used(pool), before, strict=True)))


def run(pool: Pool, job: int, is_last: bool) -> None:
    claim = Claim(
        job_id=job,
        step_id=job,
        name="s0000",
        attempt=1,
        fence=1,
        tag="",
        timeout=None,
        log_lines=0,
        started_at=datetime.now(UTC),
    )
    task = Task(
        definition="nothing",
        step="s0000",
        attempt=1,
        params={},
        understood={"fields": {}, "added": {}},
        results={},
        idempotency_key="",
        limits=Limits(error_bytes=1000, result_bytes=1000),
        is_last=is_last,
    )
    attempt = pool.run(claim, task)
    listen_until(pool, lambda: attempt.outcome is not None)
    assert attempt.outcome and attempt.outcome.verdict is Verdict.RETURNED, attempt.outcome
    pool.release(attempt)


def listen_until(pool: Pool, is_so: Callable[[], bool]) -> None:
    while not is_so():
        pool.beat()
        pool.listen(1.0)


def used(pool: Pool) -> Used:
    server = Path(f"/proc/{pool._server.pid}")
    stat = (server / "stat").read_text().rpartition(")")[2].split()
    faults, of_slots, user, system = (int(stat[at]) for at in (7, 8, 13, 14))
    nanoseconds = int((server / "schedstat").read_text().split()[0])
    slots = (user + system) / os.sysconf("SC_CLK_TCK") * 1e3
    return Used(nanoseconds / 1e6, faults, slots, of_slots, time.process_time() * 1e3)


def show(used: Used, jobs: int, steps: int) -> None:
    server, server_faults, slots, slots_faults, engine = (figure / jobs for figure in used)
    print(
        f"{steps:>5} steps {server:>10.2f} ms {server_faults:>5.0f} faults "
        f"{slots:>8.2f} ms {slots_faults:>5.0f} faults {engine:>8.2f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
