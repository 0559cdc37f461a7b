"""How long does the server take for pages and commands, with a million jobs in the history?

    .venv/bin/python -m benchmarks.history [--jobs 1000000]

A thousand jobs of five steps are run to their end, and everything is measured once. Then they are
copied in SQL, without the triggers, and everything is measured again: each page and filter of the
list and each pair of filters, each list of the admin, whole, filtered and its last page, and what
commands do to one job. A million jobs take half an hour and 15 GB; --jobs 20000 a few minutes.

In this process: session, permissions, queries, template. DATABASE_URL may name an empty
PostgreSQL, or a database in which this was run before: then only the second half is done.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from benchmarks.support import ManualWorker, chain, migrate, options, session_key
from jobs import audit, orchestrator
from jobs.admin.lists import MOST_LISTED
from jobs.database import triggers
from jobs.models import Job
from jobs.sight.job_list import PAGE_SIZE, ListWindow
from jobs.statuses import JOB_STATUSES, Status, Verdict
from tests.support.copies import copy_history

BLOCK = 1_000  # jobs that are run; the others are copies of them
STEPS = 5
ROUNDS = 7
LIMIT, RATIO = 50, 1.5  # milliseconds, and times as long as with BLOCK jobs
DEFINITIONS = [chain("Nightly", STEPS), chain("Hourly", STEPS), chain("Rare", STEPS)]
NAMES = [each.name for each in DEFINITIONS]

Times = dict[str, float]  # what → milliseconds


def main() -> None:
    count = options(__doc__, jobs=1_000_000).jobs
    migrate()
    before: Times = {}
    if not Job.objects.exists():
        run_block()
        before = measure()
        make(count)
    after = measure()
    report(before, after)


def run_block() -> None:
    """Run jobs: one in ten fails, some are cancelled, the last three wait."""
    worker = ManualWorker(*DEFINITIONS)
    nightly, hourly, rare = DEFINITIONS
    for number in range(BLOCK):
        definition = rare if number == BLOCK // 2 else nightly if number % 2 else hourly
        job = orchestrator.launch(definition)
        if number % 100 == 99:
            orchestrator.cancel(job.pk)
        elif number < BLOCK - 4:
            run(worker, fails=number % 10 == 4)
    worker.deregister()


def run(worker: ManualWorker, fails: bool) -> None:
    """Run the oldest job to its end."""
    held = worker.claim()
    while held:
        (step,) = held
        if fails and step.name == "s0002":
            worker.end(step, Verdict.FAILED)
            return
        held = worker.succeed(step, room=1)


def make(count: int) -> None:
    """Copy the block, and let PostgreSQL do what autovacuum does in a history that grew slowly."""
    start = time.perf_counter()
    triggers.remove()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")  # foreign keys are right
        else:
            cursor.execute("PRAGMA cache_size = -500000")
            cursor.execute("PRAGMA synchronous = OFF")
        copy_history(count // BLOCK - 1)
        triggers.install()
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
    connection.close()
    print(f"{count:,} jobs made in {time.perf_counter() - start:.0f} s", flush=True)


def measure() -> Times:
    """The median milliseconds of everything; all take turns."""
    client = Client()
    client.cookies["sessionid"] = session_key()
    deeds = {path: getter(client, path) for path in [*pages(), *admin_lists()]} | commands()
    times: dict[str, list[float]] = {name: [] for name in deeds}
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for number in range(ROUNDS + 1):
            for name, deed in deeds.items():
                start = time.perf_counter()
                deed()
                if number:  # the first round loads templates
                    times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}


def getter(client: Client, path: str) -> Callable[[], object]:
    def get() -> None:
        asked = path.replace("MIDDLE", str(Job.objects.latest("pk").pk // 2))
        assert client.get(asked.replace("LAST", str(pages_of_admin()))).status_code == 200

    return get


def pages_of_admin() -> int:
    return min(MOST_LISTED, Job.objects.all()[: MOST_LISTED + 1].count()) // PAGE_SIZE


def pages() -> list[str]:
    """The newest jobs, those in the middle, the oldest; each filter, each pair; one job."""
    filters = [
        f"/?status={status}&definition={name}"
        for status in ["", *JOB_STATUSES]
        for name in ["", *NAMES]
    ]
    middle = f"/jobs/{Job.objects.filter(status='failed').latest('pk').pk}/"
    return [*filters, "/?before=MIDDLE", "/?status=failed&before=MIDDLE", "/?before=52", middle]


def admin_lists() -> list[str]:
    pairs = [
        f"status__exact={status}&definition={name}" for status in JOB_STATUSES for name in NAMES
    ]
    queries = {
        "job": [
            *(f"status__exact={status}" for status in JOB_STATUSES),
            *(f"definition={name}" for name in NAMES),
            *pairs,
        ],
        "step": [f"status__exact={status}" for status in Status],
        "attempt": [f"verdict__exact={verdict}" for verdict in ("returned", "failed", "lost")],
        "transition": [f"what={what}" for what in ("birth", "request", "note", *Status)],
        "worker": [],
    }
    paths = []
    for model, filters in queries.items():
        last = [] if model == "worker" else ["p=LAST"]
        paths += [f"/admin/truestep/{model}/?{query}" for query in ["", *last, *filters]]
    return paths


def commands() -> dict[str, Callable[[], object]]:
    """What the commands do in the database, and what a worker asks of it."""
    failed = Job.objects.filter(status="failed").latest("pk")
    nightly = DEFINITIONS[0]
    worker = ManualWorker(*DEFINITIONS)

    def retry_and_cancel() -> None:
        orchestrator.retry(failed.pk)
        orchestrator.cancel(failed.pk)

    return {
        "show": lambda: call_command("show", str(failed.pk), stdout=io.StringIO()),
        "show --json": lambda: call_command("show", str(failed.pk), "--json", stdout=io.StringIO()),
        "audit of one job": lambda: list(audit.differences_of(Job.objects.get(pk=failed.pk))),
        "launch": lambda: orchestrator.launch(nightly),
        "claim": worker.claim,
        "retry and cancel": retry_and_cancel,
        "what an open list reads": lambda: ListWindow().read(),
    }


def report(before: Times, after: Times) -> None:
    """Each figure, and whether it is within the limits."""
    print(f"{Job.objects.count():,} jobs, median of {ROUNDS}, in milliseconds:")
    for name, taken in after.items():
        known = before.get(name)
        ratio = f", {taken / known:.2f} times as with {BLOCK:,} jobs" if known else ""
        is_slow = taken > LIMIT or (known and taken / known > RATIO)
        print(f"  {name}: {taken:.1f}{ratio}{' – TOO SLOW' if is_slow else ''}")


if __name__ == "__main__":
    main()
