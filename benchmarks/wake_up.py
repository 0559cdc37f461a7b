"""How long from COMMIT in one process to the claim by an idle worker in another?

    .venv/bin/python -m benchmarks.wake_up [--commits 10000] [--storm 10]

A worker waits; another process launches one job at a time, each at a random moment after the one
before has ended. The time of the claim is that in the attempt's row.

Then, on SQLite, a third process commits 1,000 times a second to the same file for --storm seconds,
and the wake-ups of the idle worker are counted.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks.support import chain, fork_worker, migrate, options, summary, usage
from jobs import database
from jobs.backends.sqlite.library import library
from jobs.definitions import JobDefinition
from jobs.models import Job
from jobs.orchestrator import launch

COMMITS_PER_SECOND = 1000
LATE = 100.0  # milliseconds
SETTLE_SECONDS = 2.0


def main() -> None:
    chosen = options(__doc__, commits=10_000, storm=10.0)
    migrate()
    definition = chain("Nothing", 1)
    with running_worker() as pid:
        times = launch_one_by_one(definition, chosen.commits)
        late = sum(taken > LATE for taken in times)
        print(
            f"{len(times)} commits to claim: {summary(times)}, later than {LATE:g} ms: {late}",
            flush=True,
        )
        if database.connection.vendor == "sqlite":
            measure_storm(pid, chosen.storm)


@contextmanager
def running_worker() -> Iterator[int]:
    pid = fork_worker(slots=1)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def launch_one_by_one(definition: type[JobDefinition], count: int) -> list[float]:
    """The milliseconds from each commit to the claim."""
    times = []
    for _ in range(count + 1):
        job = launch(definition)
        committed = time.time()
        while not (job := Job.objects.get(pk=job.pk)).is_finished:
            time.sleep(0.002)
        attempt = job.steps.get().attempts.get()
        times.append(max(0.0, (attempt.started_at.timestamp() - committed) * 1000))
        time.sleep(random.uniform(0.01, 0.03))
    return times[1:]  # the first one waits for the worker and its slot to start


def measure_storm(pid: int, seconds: float) -> None:
    """Print what an idle worker uses while another process writes to the file."""
    file = str(database.connection.settings_dict["NAME"])
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as others:
        others.submit(commit_often, file, SETTLE_SECONDS).result()
        before = usage(pid)
        commits = others.submit(commit_often, file, seconds).result()
        after = usage(pid)
    print(
        f"{commits / seconds:.0f} commits of others a second: worker woken "
        f"{(after.wake_ups - before.wake_ups) / seconds:.1f} times a second, "
        f"{(after.cpu - before.cpu) / seconds:.1%} of a core"
    )


def commit_often(file: str, seconds: float) -> int:
    """Commit COMMITS_PER_SECOND to a table that is not Truestep's; how many commits it were."""
    connection = library.connect(file, isolation_level=None, timeout=20)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE IF NOT EXISTS another_app (n)")
    began, commits = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        if commits < passed * COMMITS_PER_SECOND:
            connection.execute("INSERT INTO another_app VALUES (1)")
            commits += 1
        else:
            time.sleep(0.0005)
    connection.close()
    return commits


if __name__ == "__main__":
    main()
