"""How long does the server take for a list of the admin, with a million jobs in the history?

    .venv/bin/python -m benchmarks.admin_lists [--jobs 1000000]

Some jobs are run to their end, and then copied in SQL without the triggers: some minutes for a
million, and less with --jobs 20000 (the hundredth page needs 10,000). Then each list is requested,
whole and with its filters, in this process: session, permissions, queries, template. DATABASE_URL
may name an empty PostgreSQL.
"""

from __future__ import annotations

import statistics
import time

from django.db import connection
from django.test import Client, override_settings

from benchmarks.copies import copy_history
from benchmarks.support import ManualWorker, chain, migrate, options, session_key
from jobs import orchestrator
from jobs.database import triggers
from jobs.statuses import Verdict

ROUNDS = 5
BLOCK = 50  # jobs that are run; the others are copies of them
LISTS = {
    "job": ["", "status__exact=failed", "status__exact=running", "definition=hourly", "p=100"],
    "step": ["", "status__exact=succeeded", "status__exact=failed", "status__exact=pending"],
    "attempt": ["", "verdict__exact=returned", "verdict__exact=failed", "verdict__exact=lost"],
    "transition": ["", "what=birth", "what=note", "what=failed", "what=skipped", "p=100"],
    "worker": [""],
}


def main() -> None:
    count = options(__doc__, jobs=1_000_000).jobs
    migrate()
    run_block()
    start = time.perf_counter()
    triggers.remove()
    copy_history(count // BLOCK - 1)
    triggers.install()
    analyze()
    print(f"{count:,} jobs made in {time.perf_counter() - start:.0f} s", flush=True)
    client = Client()
    client.cookies["sessionid"] = session_key()
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for model, queries in LISTS.items():
            for query in queries:
                measure(client, f"{model}/?{query}")


def run_block() -> None:
    """Run jobs of one step: most succeed, one fails, one is cancelled."""
    nightly, hourly = chain("Nightly", 1), chain("Hourly", 1)
    worker = ManualWorker(nightly, hourly)
    for number in range(BLOCK):
        job = orchestrator.launch(nightly if number % 2 else hourly)
        if number == 0:
            orchestrator.cancel(job.pk)
            continue
        (held,) = worker.claim()
        if number == 1:
            worker.end(held, Verdict.FAILED)
        else:
            worker.succeed(held)
    worker.deregister()


def analyze() -> None:
    """What autovacuum has done in a history that grew slowly."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def measure(client: Client, path: str) -> None:
    """Print the median milliseconds of a list, after a first request."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        response = client.get(f"/admin/truestep/{path}")
        times.append((time.perf_counter() - start) * 1000)
        assert response.status_code == 200
    first, *others = times
    print(f"  {path}: {statistics.median(others):.0f} ms, the first time {first:.0f}", flush=True)


if __name__ == "__main__":
    main()
