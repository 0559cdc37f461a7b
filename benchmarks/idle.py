"""What do processes cost that have nothing to do?

    .venv/bin/python -m benchmarks.idle [--seconds 60]

A worker alone; then ``serve`` (supervisor, web process, worker); then ``serve`` while Chromium
shows a job whose only step sleeps. Counted are Truestep's processes, not the browser. On
PostgreSQL:

    pg_virtualenv -t sh -c '
        export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"
        .venv/bin/python -m benchmarks.idle'
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import psutil

from benchmarks.support import chromium, migrate, open_page, options, start, url_of, usage
from jobs.orchestrator import launch

SETTLE_SECONDS = 10.0


def main() -> None:
    seconds = options(__doc__, seconds=60.0).seconds
    migrate()
    with ExitStack() as ending:
        worker = start(ending, "worker")
        assert worker.stdout
        worker.stdout.readline()
        report("worker", worker.pid, seconds)
    with ExitStack() as ending:
        server = start(ending, "serve", "--port", "0")
        url = url_of(server)
        report("serve", server.pid, seconds)
        browser = ending.enter_context(chromium())
        job = launch("run_command", {"command": "sleep 1000000"})
        page = open_page(browser, url, f"jobs/{job.pk}/")
        page.wait_for_selector("[data-step][data-status=running]")
        report("serve, one open page", server.pid, seconds)


def report(name: str, pid: int, seconds: float) -> None:
    """Print what a process and its descendants use."""
    time.sleep(SETTLE_SECONDS)
    parent = psutil.Process(pid)
    children = [child for child in parent.children(recursive=True) if is_python(child)]
    pids = [pid, *(child.pid for child in children)]
    before = [usage(pid) for pid in pids]
    time.sleep(seconds)
    after = [usage(pid) for pid in pids]
    pairs = list(zip(after, before, strict=True))
    cpu = sum(now.cpu - then.cpu for now, then in pairs) / seconds
    wake_ups = sum(now.wake_ups - then.wake_ups for now, then in pairs) / seconds
    print(f"{name}: {cpu:.2%} of a core, {wake_ups:.1f} wake-ups a second", flush=True)


def is_python(process: psutil.Process) -> bool:
    return process.name().startswith("python")


if __name__ == "__main__":
    main()
