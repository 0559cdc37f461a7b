"""A log of 100,000 lines on the page: how soon its end is seen, and any line of it?

.venv/bin/python benchmarks/long_log.py [--lines 100000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from commit_to_dom import long_definition, manage, open_page, start_server  # noqa: E402

# Milliseconds from an action on the page to the moment at which the line is drawn.
SOON = """
([action, line]) => new Promise(done => {
  const start = performance.now();
  action.startsWith('open') ? document.querySelector('details.log').open = true : (() => {
    const form = document.querySelector('.log-tools');
    form.elements.line.value = line;
    form.requestSubmit();
  })();
  const look = () => document.querySelector(`[data-line="${line}"]`)
    ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
  look();
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lines", type=int, default=100_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        manage("migrate", "-v0").wait()
        import django

        django.setup()
        job, text = write(lines)
        look(start_server(ending), job, lines, text)


def write(lines: int) -> tuple[Any, str]:
    """A job whose step has said so many lines, as a worker writes them."""
    from jobs import orchestrator, workers
    from jobs.codes import Code, Fact
    from jobs.logs import LogBook
    from jobs.runner import Outcome, Verdict

    definition = long_definition(1)
    job = orchestrator.launch(definition)
    knows = {definition.name: list(definition.steps())}
    post = workers.register(slots=1, knows=knows)
    desk = orchestrator.Claimant(worker=post.worker, knows=knows)
    (claim,) = orchestrator.claim(desk, 1)
    book = LogBook(claim, 2**30)
    said = [f"line {number}: {'x' * (number % 90)}" for number in range(1, lines + 1)]
    for number, line in enumerate(said, 1):
        book.add(line)
        if number % 100 == 0:
            book.write()
    book.write()
    orchestrator.finish(
        desk, claim, Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED)), 0
    )
    post.deregister()
    return job, "".join(line + "\n" for line in said)


def look(url: str, job: Any, lines: int, text: str) -> None:
    from playwright.sync_api import sync_playwright

    (web,) = [
        process
        for process in psutil.Process().children(recursive=True)
        if "jobs.management.server" in " ".join(process.cmdline())
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = open_page(chromium, url, job)
        before = web.memory_info().rss
        opened = [page.evaluate(SOON, ["open", lines])]
        for _ in range(4):
            page = open_page(chromium, url, job)
            opened.append(page.evaluate(SOON, ["open", lines]))
        chance = random.Random(1)
        times = [page.evaluate(SOON, ["go", chance.randint(1, lines)]) for _ in range(50)]
        elements = page.evaluate("document.querySelectorAll('*').length")
        plain = page.request.get(f"{url}jobs/{job.pk}/steps/s000/log").body()
        grown = (web.memory_info().rss - before) / 2**20
        chromium.close()
    print(
        f"{lines:,} lines: the end is shown after {statistics.median(opened):.0f} ms "
        f"(first {opened[0]:.0f}, max {max(opened):.0f}), any line after "
        f"{statistics.median(times):.0f} ms (max {max(times):.0f}), {elements} elements, "
        f"download {'byte-exact' if plain == text.encode() else 'WRONG'}, "
        f"web process grew {grown:.0f} MiB"
    )


if __name__ == "__main__":
    main()
