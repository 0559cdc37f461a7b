"""A fleet on three hosts of which a worker is killed again and again; every effect happens once.

    .venv/bin/python -m benchmarks.faults.chaos --jobs 300 --engine embedded

Each step has an effect outside of Truestep, under its idempotency key. Workers are killed with
SIGKILL, one at random each second, or at twice the time that a worker takes to start if that is
longer, and are started again at once. Exit code 0: all jobs have succeeded, every step has had its
effect once, no attempt ran twice or after a later one, and the journal adds up.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil

from .cells import ENGINES
from .site import READY_SECONDS, Layout, Site, Worker, wait_until

HOSTS = 3
STEPS = 5
LAUNCHED_AT_ONCE = 100
SECOND = 1.0
STUCK_SECONDS = 120.0  # without a job that ends
LOOK_SECONDS = 0.1
LED = {"worker", "--led"}  # in the command of the worker beside Celery's pool
TABLES = (
    "CREATE TABLE run (key text, attempt int, at timestamptz DEFAULT clock_timestamp())",
    "CREATE TABLE effect (key text PRIMARY KEY, attempt int)",
    "CREATE TABLE total (effects int)",
    "INSERT INTO total VALUES (0)",
)
UNFINISHED = "SELECT count(*) FROM truestep_job WHERE ended_at IS NULL"
BAD = "SELECT id, status FROM truestep_job WHERE status <> 'succeeded' ORDER BY id"
TWICE = "SELECT key, attempt FROM run GROUP BY key, attempt HAVING count(*) > 1"
LATE = (
    "SELECT late.key, late.attempt FROM run late JOIN run other USING (key) "
    "WHERE late.attempt < other.attempt AND late.at > other.at"
)


class Fleet:
    """Three hosts with a worker each, and what is done to them."""

    def __init__(self, ending: ExitStack, directory: Path, engine: str, lease: float) -> None:
        self.site = Site(ending, directory, engine, Layout(hosts=HOSTS, workers=0), lease)
        with self.site.connect() as connection:
            connection.execute("CREATE DATABASE effects")
        with self.site.connect("effects") as connection:
            for statement in TABLES:
                connection.execute(statement)
        self._is_celery = engine == "celery"
        url = self.site.postgresql.url.rpartition("/")[0]
        self._variables = {"FAULTS_EFFECTS": f"{url}/effects", "FAULTS_CRASHES": "99"}
        self.kills = 0
        began = time.monotonic()
        first = self._start("host0")
        wait_until(lambda: first.is_ready, READY_SECONDS)
        self.restart_seconds = time.monotonic() - began
        self.workers = [first, *(self._start(f"host{number}") for number in range(1, HOSTS))]
        wait_until(lambda: all(worker.is_ready for worker in self.workers), READY_SECONDS)

    def launch(self, jobs: int) -> None:
        code = (
            "from jobs.orchestrator import launch_many; "
            f"[launch_many('five_effects', [{{}}] * min({LAUNCHED_AT_ONCE}, {jobs} - done)) "
            f"for done in range(0, {jobs}, {LAUNCHED_AT_ONCE})]"
        )
        self.site.manage("shell", "-c", code)

    def kill_one(self, dice: random.Random) -> None:
        """SIGKILL, as the kernel does it without memory; it is started again at once."""
        place = dice.randrange(len(self.workers))
        worker = self.workers[place]
        victims = worker.family()[:1]
        if self._is_celery:  # Celery's main process, or the worker beside its pool
            victims += [each for each in worker.family()[1:] if {*_command(each)} >= LED]
        dice.choice(victims).kill()
        self.kills += 1
        self.tend()

    def tend(self) -> None:
        """Start every worker that has ended again."""
        for place, worker in enumerate(self.workers):
            if worker.process.poll() is not None:
                self.workers[place] = self._start(worker.host)

    def _start(self, host: str) -> Worker:
        return self.site.start_worker(host, **self._variables)

    def problems(self, jobs: int) -> Iterator[str]:
        """A sentence for each thing that does not hold."""
        with self.site.connect() as rows, self.site.connect("effects") as effects:
            [[there]] = rows.execute("SELECT count(*) FROM truestep_job")
            if there != jobs:
                yield f"{jobs} jobs were launched, and {there} are there"
            yield from (f"job {pk} is {status}" for pk, status in rows.execute(BAD))
            [[total]] = effects.execute("SELECT effects FROM total")
            [[keys]] = effects.execute("SELECT count(*) FROM effect")
            if not total == keys == jobs * STEPS:
                yield f"{jobs * STEPS} steps have had {total} effects under {keys} keys"
            yield from (
                f"{key}: attempt {number} ran twice" for key, number in effects.execute(TWICE)
            )
            for key, number in effects.execute(LATE):
                yield f"{key}: attempt {number} began after a later one"
        try:
            self.site.manage("audit")
        except RuntimeError as error:
            yield str(error)

    def runs(self) -> int:
        """How often any step ran."""
        with self.site.connect("effects") as effects:
            [[runs]] = effects.execute("SELECT count(*) FROM run")
            return int(runs)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def play(fleet: Fleet, jobs: int, dice: random.Random, pace: float) -> None:
    """Kill until every job has ended."""
    pace = pace or max(SECOND, 2 * fleet.restart_seconds)
    say(f"a worker starts in {fleet.restart_seconds:.1f} s; a kill each {pace:.1f} s")
    fleet.launch(jobs)
    left, moved_at, due_at = jobs, time.monotonic(), time.monotonic() + pace
    while left:
        time.sleep(LOOK_SECONDS)
        fleet.tend()
        now = time.monotonic()
        if now >= due_at:
            fleet.kill_one(dice)
            due_at = now + pace
        before, left = left, fleet.site.ask(UNFINISHED)
        moved_at = now if left < before else moved_at
        if now > moved_at + STUCK_SECONDS:
            say(f"{left} jobs are stuck")
            return


def main() -> int:
    chosen = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the servers
    say(f"seed {chosen.seed}, {chosen.engine}")
    with ExitStack() as ending:
        directory = Path(tempfile.mkdtemp(dir=chosen.directory, prefix="truestep_fleet_"))
        ending.callback(shutil.rmtree, directory, ignore_errors=True)
        fleet = Fleet(ending, directory, chosen.engine, chosen.lease)
        began = time.monotonic()
        play(fleet, chosen.jobs, random.Random(chosen.seed), chosen.pace)
        say(
            f"{chosen.jobs} jobs of {STEPS} steps in {time.monotonic() - began:.0f} s: "
            f"{fleet.kills} kills, {fleet.runs()} runs"
        )
        problems = [*fleet.problems(chosen.jobs)]
    for problem in problems:
        say(f"FAULT: {problem}")
    say(f"{len(problems)} faults" if problems else "all holds")
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.faults.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--pace", type=float, default=0.0, help="seconds from kill to kill, instead of the above"
    )
    parser.add_argument(
        "--lease", type=float, default=15.0, help='TRUESTEP["lease"], by default as there'
    )
    parser.add_argument("--directory", default="/var/tmp", help="where the database is")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGAN:7.2f}  {text}", flush=True)


BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
