"""How long does the server take for a page of the list, with a million jobs in the history?

    .venv/bin/python -m benchmarks.list_scale [--jobs 1000000]

Each page is requested in this process: session, permissions, queries, template. The pages take
turns. Most of the time goes into making the history, a few minutes for a million.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from django.test import Client, override_settings
from django.utils import timezone

from benchmarks.support import migrate, options, session_key
from jobs import database
from jobs.models import Job, Transition
from jobs.sight.job_list import ListWindow

ROUNDS = 30
BATCH = 10_000
SNAPSHOT = "a snapshot of the newest"


def main() -> None:
    count = options(__doc__, jobs=1_000_000).jobs
    migrate()
    for first in range(0, count, BATCH):
        create_jobs(range(first, min(first + BATCH, count)))
    measure(count)


def create_jobs(numbers: range) -> None:
    """Jobs that have ended, each with its journal, but without steps, which no list reads."""
    now = timezone.now()
    jobs = [Job(definition=definition_of(number), created_at=now) for number in numbers]
    with database.write():
        Job.objects.bulk_create(jobs)
        journal = []
        by_status: dict[str, list[int]] = {}
        for number, job in zip(numbers, jobs, strict=True):
            ended = {"from_status": "pending", "to_status": status_of(number)}
            journal += [
                Transition(job=job, seq=1, kind="birth", to_status="pending", at=now),
                Transition(job=job, seq=2, kind="move", at=now, **ended),
            ]
            by_status.setdefault(status_of(number), []).append(job.pk)
        Transition.objects.bulk_create(journal)
        ended_at = now + timedelta(seconds=7)
        for status, ids in by_status.items():
            Job.objects.filter(pk__in=ids).update(
                status=status, seq=2, started_at=now, ended_at=ended_at
            )


def status_of(number: int) -> str:
    """Of 1,000 jobs 979 succeeded, 20 failed and one was cancelled."""
    if number % 1000 == 7:
        return "cancelled"
    return "failed" if number % 50 == 3 else "succeeded"


def definition_of(number: int) -> str:
    """One job in 20,000 is rare, every other one nightly."""
    if number % 20_000 == 11:
        return "rare"
    return "nightly" if number % 2 else "hourly"


def measure(count: int) -> None:
    """Print the median milliseconds of each page, against the newest one."""
    client = Client()
    client.cookies["sessionid"] = session_key()
    pages = {
        "newest": "",
        "older": f"before={count // 2}",
        "oldest": "before=52",
        "failed": "status=failed",
        "cancelled": "status=cancelled",
        "running, none": "status=running",
        "nightly": "definition=nightly",
        "rare": "definition=rare",
        "nightly and failed": "definition=nightly&status=failed",
        "rare and cancelled, none": "definition=rare&status=cancelled",
    }
    times: dict[str, list[float]] = {name: [] for name in [*pages, SNAPSHOT]}
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for _ in range(ROUNDS):
            for name, query in pages.items():
                start = time.perf_counter()
                assert client.get(f"/?{query}").status_code == 200
                times[name].append((time.perf_counter() - start) * 1000)
            start = time.perf_counter()
            ListWindow().read()
            times[SNAPSHOT].append((time.perf_counter() - start) * 1000)
    newest = statistics.median(times["newest"])
    print(f"{count:,} jobs, median of {ROUNDS}:")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"  {name}: {median:.1f} ms, {median / newest:.2f} times the newest page")


if __name__ == "__main__":
    main()
