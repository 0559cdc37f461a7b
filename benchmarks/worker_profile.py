"""Where does a worker spend its CPU time?

    .venv/bin/python -m benchmarks.worker_profile [--jobs 200] [--slots 2] [--lines 25]

Launches jobs of five steps that do nothing, runs them to their end with the worker's loop under
cProfile, and prints its CPU time by package and by function. The profiler makes small functions
look larger than they are: compare shares, and measure what you change with ``benchmarks.peers``.
The time of slots, of their fork server and of PostgreSQL is not in it.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.support import ROOT, chain, fork_worker, migrate, options
from jobs.models import Job
from jobs.orchestrator import launch

LOOK_SECONDS = 0.2


def main() -> None:
    chosen = options(__doc__, jobs=200, slots=2, lines=25)
    migrate()
    definition = chain("FiveSteps", 5)
    for _ in range(chosen.jobs):
        launch(definition)
    with tempfile.NamedTemporaryFile() as file:
        run_all(chosen.slots, lambda run: profile(run, file.name))
        stats = pstats.Stats(file.name)
    print(f"Own time by package, in milliseconds a step ({chosen.jobs * 5} steps):")
    for package, seconds in by_package(stats).most_common(chosen.lines):
        print(f"{seconds / chosen.jobs / 5 * 1000:8.3f}  {package}")
    stats.strip_dirs().sort_stats("tottime").print_stats(chosen.lines)


def run_all(slots: int, around: Callable[[Callable[[], None]], None]) -> None:
    """Run every job to its end by one worker, whose loop is called by *around*."""
    worker = fork_worker(slots, around)
    while Job.objects.unfinished().exists():
        time.sleep(LOOK_SECONDS)
    os.kill(worker, signal.SIGTERM)
    os.waitpid(worker, 0)


def profile(run: Callable[[], None], file: str) -> None:
    """Call *run* and write its profile, in CPU time of this thread, into *file*."""
    profiler = cProfile.Profile(time.thread_time)
    try:
        profiler.runcall(run)
    finally:
        profiler.dump_stats(file)


def by_package(stats: pstats.Stats) -> Counter[str]:
    """The seconds that functions used themselves, by the package that they are in."""
    seconds: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        seconds[package_of(file, name)] += own
    return seconds


def package_of(file: str, name: str) -> str:
    """Of Truestep the package or module, of others the distribution; C functions by their name."""
    if file == "~":
        return name.strip("<>").partition(" at 0x")[0]
    path = Path(file)
    if path.is_relative_to(ROOT / "jobs"):
        return "/".join(path.relative_to(ROOT).with_suffix("").parts[:2])
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1]
    return f"Python's {path.stem}"


if __name__ == "__main__":
    main()
