"""How long from COMMIT in one process to the changed page in a browser?

A web server runs in a process of its own on a fresh SQLite database; Chromium shows one job. This
process makes the moves, as a worker would, and takes the time just after each commit; the page
takes the time at which the step's row has changed. Both clocks are the system's.

    .venv/bin/python benchmarks/commit_to_dom.py [--samples 500] [--rate 5]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

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
    parser.add_argument("--rate", type=float, default=5.0, help="moves a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{directory}/bench.sqlite3",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--no-worker", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = next(line for line in server.stdout if line.startswith("Ready")).split()[1]
            report(measure(url, options.samples, options.rate), options.rate)
        finally:
            server.terminate()
            server.wait()


def measure(url: str, samples: int, rate: float) -> list[float]:
    """Milliseconds from COMMIT to the changed DOM, one for each move of a step."""
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from jobs import orchestrator, workers
    from jobs.runner import Outcome, Verdict

    definition = long_definition((samples + 1) // 2)
    job = orchestrator.launch(definition)
    post = workers.sign_on(slots=1, knows={definition.name: list(definition.steps())})
    desk = orchestrator.Desk(worker=post.worker, knows=post.worker.knows)
    committed: dict[str, float] = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = chromium.new_context()
        context.add_cookies([{"name": "sessionid", "value": session_key(), "url": url}])
        page = context.new_page()
        page.goto(f"{url}jobs/{job.pk}/")
        page.wait_for_selector("body[data-live=live]")
        page.evaluate(WATCH)
        start = time.perf_counter()
        for number in range(samples):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            if number % 2 == 0:
                (claim,) = orchestrator.claim(desk, 1)
                committed[f"{claim.name} running"] = time.time() * 1000
            else:
                orchestrator.finish(desk, claim, Outcome(verdict=Verdict.RETURNED), 0)
                committed[f"{claim.name} succeeded"] = time.time() * 1000
        page.wait_for_selector(f"[data-step={claim.name}][data-status=succeeded]")
        changed = page.evaluate("changes")
        chromium.close()
    post.sign_off()
    return [changed[move] - at for move, at in committed.items()]


def long_definition(steps: int):
    """A chain of *steps* steps; this process stands in for the worker, so they are never called."""
    from jobs.definitions import JobDefinition, step

    body = {f"s{number:03}": step(lambda self, run: None) for number in range(steps)}
    return type("CommitToDom", (JobDefinition,), body)


def session_key() -> str:
    """The session of a superuser who is logged in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.create_superuser("bench")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def report(milliseconds: list[float], rate: float) -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    print(
        f"{len(milliseconds)} moves, {rate:g} a second: "
        f"p50 {statistics.median(milliseconds):.1f} ms, p95 {cuts[94]:.1f} ms, "
        f"p99 {cuts[98]:.1f} ms, max {max(milliseconds):.1f} ms"
    )


if __name__ == "__main__":
    main()
