"""What do processes cost that have nothing to do?

A worker alone; then ``serve`` (supervisor, web server, worker); then ``serve`` with one job's page
open in Chromium, whose only step sleeps. CPU time of Truestep's own processes, by the kernel's
nanosecond counters.

    .venv/bin/python benchmarks/idle.py [--seconds 60]

On the database that DATABASE_URL names, else on a fresh SQLite; for PostgreSQL:

    pg_virtualenv -t sh -c '
        export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"
        .venv/bin/python benchmarks/idle.py'
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
from commit_to_dom import manage, session_key

SETTLE_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        manage("migrate", "-v0").wait()
        with ExitStack() as ending:
            worker = start(ending, "worker")
            worker.stdout.readline()
            report("worker", worker.pid, seconds)
        with ExitStack() as ending:
            server = start(ending, "serve", "--port", "0")
            url = next(line for line in server.stdout if line.startswith("Ready")).split()[1]
            report("serve", server.pid, seconds)
            open_page(ending, url)
            report("serve, one open page", server.pid, seconds)


def start(ending: ExitStack, *arguments: str):
    process = manage(*arguments)
    ending.callback(process.wait)
    ending.callback(process.terminate)
    return process


def open_page(ending: ExitStack, url: str) -> None:
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from jobs.orchestrator import launch

    job = launch("run_command", {"command": "sleep 1000000"})
    playwright = ending.enter_context(sync_playwright())
    chromium = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    ending.callback(chromium.close)
    context = chromium.new_context()
    context.add_cookies([{"name": "sessionid", "value": session_key(), "url": url}])
    page = context.new_page()
    page.goto(f"{url}jobs/{job.pk}/")
    page.wait_for_selector("body[data-live=live]")
    page.wait_for_selector("[data-step][data-status=running]")


def report(name: str, pid: int, seconds: float) -> None:
    """Print the CPU time and the wake-ups of a process and its descendants."""
    time.sleep(SETTLE_SECONDS)
    own = psutil.Process(pid)
    processes = [own, *(child for child in own.children(recursive=True) if is_ours(child))]
    before = [look(process.pid) for process in processes]
    time.sleep(seconds)
    after = [look(process.pid) for process in processes]
    cpu = sum(now[0] - then[0] for now, then in zip(after, before, strict=True)) / seconds
    woken = sum(now[1] - then[1] for now, then in zip(after, before, strict=True)) / seconds
    print(f"{name}: {cpu:.2%} of a core, {woken:.1f} wake-ups a second", flush=True)


def is_ours(process: psutil.Process) -> bool:
    return process.name().startswith("python")


def look(pid: int) -> tuple[float, int]:
    """Seconds on a processor, and how often it has waited, of all threads."""
    seconds, waits = 0.0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
        status = (task / "status").read_text()
        waits += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return seconds, waits


if __name__ == "__main__":
    main()
