"""How long from COMMIT in one process to the claim by an idle worker in another?

A worker with one step to run waits; another process launches one job at a time, each at a random
moment after the one before has ended. The worker's moment is that of the claim, as its row says.

    .venv/bin/python benchmarks/wake_up.py [--commits 10000] [--storm 10]

Then, on SQLite, somebody else commits 1,000 times a second to the same file, and the wake-ups of
the idle worker are counted. On the database that DATABASE_URL names, else on a fresh SQLite.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from commit_to_dom import manage
from idle import look

JOBS = """
from jobs.definitions import JobDefinition, step

class Nothing(JobDefinition):
    @step
    def nothing(self, run): ...
"""
SETTINGS = "from project.settings import *\nINSTALLED_APPS += ['waking']\n"
STORM_RATE = 1000
STORM = f"""
import sys, time
from jobs.backends.sqlite.library import library
file = library.connect(sys.argv[1], isolation_level=None, timeout=20)
file.execute("PRAGMA synchronous = OFF")
file.execute("CREATE TABLE IF NOT EXISTS somebody_elses (n)")
began, commits = time.monotonic(), 0
while (passed := time.monotonic() - began) < float(sys.argv[2]):
    if commits < passed * {STORM_RATE}:
        file.execute("INSERT INTO somebody_elses VALUES (1)")
        commits += 1
    else:
        time.sleep(0.0005)
print(commits)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--storm", type=float, default=10.0, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        manage("migrate", "-v0").wait()
        with running_worker() as pid:
            times = launch_single_jobs(options.commits)
            cuts = statistics.quantiles(times, n=100)
            print(
                f"{len(times)} commits to claim: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, "
                f"max {max(times):.1f} ms, later than 100 ms: {sum(ms > 100 for ms in times)}",
                flush=True,
            )
            if "sqlite" in os.environ["DATABASE_URL"]:
                weather_storm(pid, options.storm)


def prepare(directory: Path) -> None:
    """An app with one definition, and the settings that install it."""
    app = directory / "waking"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "jobs.py").write_text(JOBS)
    (directory / "waking_settings.py").write_text(SETTINGS)
    sys.path.insert(0, str(directory))
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "waking_settings", "PYTHONPATH": str(directory)}


@contextmanager
def running_worker():
    worker = manage("worker", "--slots", "1")
    try:
        worker.stdout.readline()
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait()


def launch_single_jobs(count: int) -> list[float]:
    """The milliseconds from each commit to the claim."""
    import django

    django.setup()
    from jobs.models import Job
    from jobs.orchestrator import launch

    times = []
    for _ in range(count + 1):
        job = launch("nothing")
        committed = time.time()
        while not (job := Job.objects.get(pk=job.pk)).is_finished:
            time.sleep(0.002)
        attempt = job.steps.get().attempts.get()
        times.append(max(0.0, (attempt.started_at.timestamp() - committed) * 1000))
        time.sleep(random.uniform(0.01, 0.03))
    return times[1:]  # the first one also starts the worker's slot


def weather_storm(pid: int, seconds: float) -> None:
    file = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
    time.sleep(2)
    before = look(pid)
    storm = subprocess.run(
        [sys.executable, "-c", STORM, file, str(seconds)], capture_output=True, text=True
    )
    after = look(pid)
    print(
        f"{int(storm.stdout) / seconds:.0f} commits of others a second: worker woken "
        f"{(after[1] - before[1]) / seconds:.1f} times a second, "
        f"{(after[0] - before[0]) / seconds:.1%} of a core"
    )


if __name__ == "__main__":
    main()
