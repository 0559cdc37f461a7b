"""What does the server do for pages and commands, with a million jobs in the history?

    .venv/bin/python -m benchmarks.history [--jobs 1000000]

A thousand jobs of five steps are run, and everything is measured once. Then they are copied in SQL,
without the triggers, and everything is measured again: each page and filter of the list and each
pair of filters, each list of the admin, whole, filtered and its last page, and what commands do to
one job. A million jobs take twenty minutes and 15 GB; --jobs 20000 takes a few minutes.

Measured are milliseconds of CPU time, of this process (session, permissions, queries, template) and
of a PostgreSQL on this host, and milliseconds until the answer. DATABASE_URL may name an empty
PostgreSQL, or a database in which this was run before: then only the second half is done.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from benchmarks.support import ManualWorker, chain, migrate, options, session_key
from jobs import audit, metrics, orchestrator
from jobs.admin.lists import MOST_LISTED
from jobs.database import triggers
from jobs.models import Job
from jobs.sight import measures
from jobs.sight.job_list import PAGE_SIZE, ListWindow
from jobs.statuses import JOB_STATUSES, Status, Verdict
from tests.support.copies import copy_history

BLOCK = 1_000  # jobs that are run; the others are copies of them
RUNNING, WAITING = 110, 110  # of them, in the end
STEPS = 5
ROUNDS = 7
LIMIT, RATIO = 50, 1.5  # milliseconds, and times as long as with BLOCK jobs
DEFINITIONS = [chain("Nightly", STEPS), chain("Hourly", STEPS), chain("Rare", STEPS)]
NAMES = [each.name for each in DEFINITIONS]


class Taken(NamedTuple):
    """Milliseconds."""

    cpu: float
    waited: float


Times = dict[str, Taken]


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
    """Run jobs so that each filter has a page of them; no nightly job fails."""
    worker = ManualWorker(*DEFINITIONS)
    nightly, hourly, rare = DEFINITIONS
    for number in range(BLOCK - WAITING - RUNNING):
        if number % 8 == 1:
            orchestrator.cancel(orchestrator.launch(nightly if number % 16 == 1 else hourly).pk)
        else:
            fails = number % 5 == 0
            definition = nightly if number % 2 and not fails else hourly
            definition = rare if number % 16 == 6 else definition
            orchestrator.launch(definition)
            run(worker, is_interrupted=number % 7 == 0, fails=fails and definition is hourly)
    for number in range(RUNNING):
        orchestrator.launch(nightly if number % 2 else hourly)
        worker.claim()
    for number in range(WAITING):
        orchestrator.launch(nightly if number % 2 else hourly)
    worker.deregister()


def run(worker: ManualWorker, *, is_interrupted: bool, fails: bool) -> None:
    """Run the only job that waits to its end."""
    held = worker.claim()
    if is_interrupted:
        worker.end(held[0], Verdict.INTERRUPTED)
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
    """The median figures of everything; all take turns."""
    client = Client()
    client.cookies["sessionid"] = session_key()
    deeds = {path: getter(client, path) for path in [*pages(), *admin_lists()]} | commands()
    taken: dict[str, list[Taken]] = {name: [] for name in deeds}
    backend = pid_of_backend()
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for number in range(ROUNDS + 1):
            for name, deed in deeds.items():
                start, used = time.perf_counter(), cpu(backend)
                deed()
                if number:  # the first round loads templates
                    waited = time.perf_counter() - start
                    taken[name].append(Taken((cpu(backend) - used) * 1000, waited * 1000))
    return {
        name: Taken(*(statistics.median(figures) for figures in zip(*all_, strict=True)))
        for name, all_ in taken.items()
    }


def cpu(backend: int | None) -> float:
    """Seconds that this process and PostgreSQL's side of its connection have used."""
    there = 0.0
    if backend:
        there = int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9
    return time.process_time() + there


def pid_of_backend() -> int | None:
    """PostgreSQL's process for this connection, if it is on this host."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid if Path(f"/proc/{pid}").exists() else None


def getter(client: Client, path: str) -> Callable[[], object]:
    def get() -> None:
        assert client.get(asked).status_code == 200

    failed = Job.objects.filter(status="failed").latest("pk").pk
    middle = Job.objects.latest("pk").pk // 2
    asked = path.replace("FAILED", str(failed)).replace("MIDDLE", str(middle))
    asked = asked.replace("LAST", str(pages_of_admin()))
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
    return [
        *filters,
        "/?before=MIDDLE",
        "/?status=failed&before=MIDDLE",
        "/?before=52",
        "/jobs/FAILED/",
    ]


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
        "readyz": lambda: Client().get("/readyz"),
        "metrics": lambda: metrics.exposition(""),
        "metrics, nothing remembered": read_metrics_anew,
    }


def read_metrics_anew() -> None:
    """As the first scrape of a process, or one a minute after the last."""
    measures._many.clear()
    metrics.exposition("")


def report(before: Times, after: Times) -> None:
    """Each figure, and whether it is within the limits."""
    print(f"{Job.objects.count():,} jobs, medians of {ROUNDS}, in milliseconds of CPU time:")
    for name, taken in after.items():
        ratio = taken.cpu / before[name].cpu if name in before else 0.0
        compared = f", {ratio:.2f} times as with {BLOCK:,} jobs" if ratio else ""
        mark = " – TOO SLOW" if taken.cpu > LIMIT or ratio > RATIO else ""
        print(f"  {name}: {taken.cpu:.1f} (answered after {taken.waited:.0f} ms){compared}{mark}")
    print(f"slowest: {max(taken.cpu for taken in after.values()):.1f}")


if __name__ == "__main__":
    main()
