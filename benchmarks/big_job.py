"""What does the size of a job cost? 10,000 steps against 10: one move, and opening the page.

    .venv/bin/python -m benchmarks.big_job [--moves 200] [--steps 10000]

A move is a worker's transaction, and what the web process then reads and renders for one page. The
two jobs take turns, so that other work on the machine slows both down.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from benchmarks.support import (
    ManualWorker,
    chain,
    chromium,
    fan,
    go,
    migrate,
    new_page,
    options,
    start_server,
)
from jobs import orchestrator
from jobs.definitions import JobDefinition
from jobs.journal import Claim
from jobs.live.job_feed import read_update
from jobs.models import Job
from jobs.sight.positions import position_of
from jobs.sight.shown import LIST

Shape = Callable[[str, int], type[JobDefinition]]
OPENINGS = 11


def main() -> None:
    chosen = options(__doc__, moves=200, steps=10_000)
    migrate()
    for shape in (chain, fan):
        measure_moves(shape, chosen.moves, chosen.steps)
    with ExitStack() as ending:
        measure_opening(start_server(ending), chosen.steps)


def measure_moves(shape: Shape, count: int, steps: int) -> None:
    """Median milliseconds of a move in a job of 10 and in one of *steps*, in turn."""
    times: dict[int, list[float]] = {10: [], steps: []}
    movers = {size: mover(shape, size) for size in times}
    for _ in range(count):
        for size in times:
            times[size].append(next(movers[size]))
    small, big = (statistics.median(times[size]) for size in times)
    print(
        f"{shape.__name__}: a move {small:.1f} ms in 10 steps, {big:.1f} ms in {steps:,}: "
        f"{big / small:.2f} times",
        flush=True,
    )


def mover(shape: Shape, size: int) -> Iterator[float]:
    """Milliseconds of one move after another: a step succeeds and the next one starts."""
    definition = shape(f"{shape.__name__.title()}{size}", size)
    worker = ManualWorker(definition)
    held: list[Claim] = []
    while True:
        if not held:
            worker.forget()
            job = orchestrator.launch(definition)
            held = worker.claim()
            position = position_of(job.pk)
        start = time.perf_counter()
        held = worker.succeed(held[0], room=1)
        update = read_update(job.pk, {(position, LIST)}, set())
        yield (time.perf_counter() - start) * 1000
        position = update.position


def measure_opening(url: str, steps: int) -> None:
    """Milliseconds from the click to a live page, for a job whose steps have ended."""
    job = Job.objects.get(definition=f"fan{steps}")
    orchestrator.cancel(job.pk)
    times = []
    with chromium() as browser:
        page = new_page(browser, url)
        for _ in range(OPENINGS):
            start = time.perf_counter()
            go(page, f"{url}jobs/{job.pk}/")
            times.append((time.perf_counter() - start) * 1000)
        elements = page.evaluate("document.querySelectorAll('*').length")
    print(
        f"a page of {steps:,} steps: live after {statistics.median(times):.0f} ms (first "
        f"{times[0]:.0f}, max {max(times):.0f}), {elements} elements"
    )


if __name__ == "__main__":
    main()
