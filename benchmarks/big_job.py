"""What does the size of a job cost? 1,000 steps against 10: opening its page, and one move.

    .venv/bin/python benchmarks/big_job.py [--moves 200]

A move is a worker's transaction and what the web process then reads and renders for one page. The
two jobs take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from commit_to_dom import manage, session_key, start_server  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        manage("migrate", "-v0").wait()
        import django

        django.setup()
        for shape in (chain, fan):
            moves(shape, options.moves)
        url = start_server(ending)
        opening(url)


def chain(name: str, steps: int) -> Any:
    """One after another."""
    from jobs.definitions import JobDefinition, step

    body: Any = {f"s{number:04}": step(lambda self, run: None) for number in range(steps)}
    return type(name, (JobDefinition,), body)


def fan(name: str, steps: int) -> Any:
    """Side by side, and one that needs all."""
    from jobs.definitions import JobDefinition, step

    names = [f"s{number:04}" for number in range(steps - 1)]
    body: Any = {name: step(needs=[])(lambda self, run: None) for name in names}
    body["last"] = step(needs=names)(lambda self, run: None)
    return type(name, (JobDefinition,), body)


def moves(shape: Any, count: int) -> None:
    """Median milliseconds of a move in a job of 10 and in one of 1,000, in turn."""
    times: dict[int, list[float]] = {10: [], 1000: []}
    movers = {size: mover(shape, size) for size in times}
    for _ in range(count):
        for size in times:
            times[size].append(next(movers[size]))
    small, big = (statistics.median(times[size]) for size in (10, 1000))
    print(
        f"{shape.__name__}: a move {small:.1f} ms in 10 steps, {big:.1f} ms in 1,000: "
        f"{big / small:.2f} times"
    )


def mover(shape: Any, size: int) -> Iterator[float]:
    """Milliseconds of one move after the other: a step succeeds and the next one starts."""
    from jobs import orchestrator, workers
    from jobs.codes import Code, Fact
    from jobs.live.job_feed import read_update
    from jobs.runner import Outcome, Verdict
    from jobs.sight.positions import position_of
    from jobs.sight.steps import FIRST_PAGE

    definition = shape(f"{shape.__name__.title()}{size}", size)
    knows = {definition.name: list(definition.steps())}
    post = workers.register(slots=1, knows=knows)
    desk = orchestrator.Claimant(worker=post.worker, knows=knows)
    held: list[Any] = []
    while True:
        if not held:
            desk.jobs.clear()
            job = orchestrator.launch(definition)
            held = orchestrator.claim(desk, 1)
            position = position_of(job.pk)
        start = time.perf_counter()
        held = orchestrator.finish(
            desk, held[0], Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED)), 1
        )
        news = read_update(job.pk, {(position, FIRST_PAGE)}, set())
        yield (time.perf_counter() - start) * 1000
        position = news.position


def opening(url: str) -> None:
    """Milliseconds from the click to a page that is live, for 1,000 steps that have ended."""
    from playwright.sync_api import sync_playwright

    from jobs import orchestrator
    from jobs.models import Job

    job = Job.objects.get(definition="fan1000")
    orchestrator.cancel(job.pk)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = chromium.new_context()
        context.add_cookies([{"name": "sessionid", "value": session_key(), "url": url}])
        page = context.new_page()
        times = []
        for _ in range(11):
            start = time.perf_counter()
            page.goto(f"{url}jobs/{job.pk}/")
            page.wait_for_selector("body[data-live=live]")
            times.append((time.perf_counter() - start) * 1000)
        elements = page.evaluate("document.querySelectorAll('*').length")
        chromium.close()
    print(
        f"a page of 1,000 steps: live after {statistics.median(times):.0f} ms (first "
        f"{times[0]:.0f}, max {max(times):.0f}), {elements} elements"
    )


if __name__ == "__main__":
    main()
