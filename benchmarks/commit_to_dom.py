"""How long from COMMIT in one process to the changed page in a browser?

A web server runs in a process of its own on a fresh database; Chromium shows one job. Another
process makes the moves, as a worker would, and takes the time just after each commit; the page
takes the time at which the step's row has changed. Both clocks are the system's.

    .venv/bin/python benchmarks/commit_to_dom.py [--samples 500] [--rate 5]

With --redis, on a PostgreSQL that DATABASE_URL names: two web processes with a Redis between them,
two workers, and two pages, each of the other process and the other worker:

    pg_virtualenv -t sh -c '
        export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"
        .venv/bin/python benchmarks/commit_to_dom.py --redis'
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

STEPS = 50  # of one job: so many are on its page at once
WATCH = """
window.changes = {};
new MutationObserver(() => {
  const now = performance.timeOrigin + performance.now();
  for (const row of document.querySelectorAll('[data-step]'))
    changes[`${row.dataset.step} ${row.dataset.status}`] ??= now;
}).observe(document, {subtree: true, childList: true, attributeFilter: ['data-status']});
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--rate", type=float, default=5.0, help="moves a second, for each page")
    parser.add_argument("--redis", action="store_true", help="two web processes, two workers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        if options.redis:
            os.environ["REDIS_URL"] = start_redis(directory, ending)
        manage("migrate", "-v0").wait()
        pages = 2 if options.redis else 1
        urls = [start_server(ending) for _ in range(pages)]
        for number, times in enumerate(measure(urls, options.samples, options.rate), 1):
            print(f"page {number}: {report(times)}")


def manage(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def start_server(ending: ExitStack) -> str:
    """The address of a new web process."""
    server = manage("serve", "--no-worker", "--port", "0")
    ending.callback(server.wait)
    ending.callback(server.terminate)
    return next(line for line in server.stdout if line.startswith("Ready")).split()[1]


def start_redis(directory: str, ending: ExitStack) -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", directory],
        stdout=subprocess.DEVNULL,
    )
    ending.callback(server.wait)
    ending.callback(server.terminate)
    return f"redis://127.0.0.1:{port}/0"


def measure(urls: list[str], samples: int, rate: float) -> list[list[float]]:
    """For each page and each move the milliseconds from COMMIT to the changed DOM."""
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from jobs import orchestrator

    delays: list[list[float]] = [[] for _ in urls]
    with (
        sync_playwright() as playwright,
        ProcessPoolExecutor(len(urls), multiprocessing.get_context("spawn")) as movers,
    ):
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for begun in range(0, samples, 2 * STEPS):
            steps = min(STEPS, (samples - begun) // 2)
            jobs = [orchestrator.launch(long_definition(steps)) for _ in urls]
            pages = [open_page(chromium, url, job) for url, job in zip(urls, jobs, strict=True)]
            moves = [movers.submit(make_moves, steps, job.pk, rate) for job in jobs]
            for page, move, times in zip(pages, moves, delays, strict=True):
                committed = move.result()
                page.wait_for_selector(f"[data-step=s{steps - 1:03}][data-status=succeeded]")
                changed = page.evaluate("changes")
                times += [shown(changed, name) - at for name, at in committed.items()]
                page.context.close()
        chromium.close()
    return delays


def shown(changed: dict[str, float], name: str) -> float:
    """When the page showed a step's status, or the next one where it was told both at once."""
    return changed.get(name) or changed[name.replace("running", "succeeded")]


def open_page(chromium, url: str, job):
    context = chromium.new_context()
    context.add_cookies([{"name": "sessionid", "value": session_key(), "url": url}])
    page = context.new_page()
    page.goto(f"{url}jobs/{job.pk}/")
    page.wait_for_selector("body[data-live=live]")
    page.evaluate(WATCH)
    return page


def make_moves(steps: int, job_id: int, rate: float) -> dict[str, float]:
    """Be a worker for one job; the time after each commit, in milliseconds since 1970."""
    import django

    django.setup()
    from jobs import orchestrator, workers
    from jobs.codes import Code, Fact
    from jobs.runner import Outcome, Verdict

    definition = long_definition(steps)
    knows = {definition.name: list(definition.steps())}
    post = workers.register(slots=1, knows=knows, only_job=job_id)
    desk = orchestrator.Claimant(worker=post.worker, knows=knows)
    committed: dict[str, float] = {}
    for number in range(2 * steps):
        due = time.perf_counter() + 1 / rate  # a late move puts off the others: each is seen alone
        if number % 2 == 0:
            (claim,) = orchestrator.claim(desk, 1)
            committed[f"{claim.name} running"] = time.time() * 1000
        else:
            orchestrator.finish(
                desk, claim, Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED)), 0
            )
            committed[f"{claim.name} succeeded"] = time.time() * 1000
        time.sleep(max(0.0, due - time.perf_counter()))
    post.deregister()
    return committed


def long_definition(steps: int):
    """A chain of *steps* steps; this process stands in for the worker, so they are never called."""
    from jobs.definitions import JobDefinition, step

    body: dict[str, Any] = {
        f"s{number:03}": step(lambda self, run: None) for number in range(steps)
    }
    return type("CommitToDom", (JobDefinition,), body)


def session_key(name: str = "bench") -> str:
    """The session of a superuser who is logged in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user, _ = User.objects.get_or_create(username=name, is_superuser=True, is_staff=True)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def report(milliseconds: list[float]) -> str:
    cuts = statistics.quantiles(milliseconds, n=100)
    return (
        f"{len(milliseconds)} moves: p50 {statistics.median(milliseconds):.1f} ms, "
        f"p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms, max {max(milliseconds):.1f} ms"
    )


if __name__ == "__main__":
    main()
