"""How long does the server take for a list of the admin, with a million jobs in the history?

    .venv/bin/python benchmarks/admin_lists.py [--jobs 1000000]

Some jobs are run to their ends, and copied in SQL with their steps, attempts and journals, while
the triggers are away: some minutes for a million. Then each list is asked for, whole and with its
filters, in this process: session, permissions, queries, template. DATABASE_URL may name an empty
PostgreSQL, see commit_to_dom.py.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from big_job import chain  # noqa: E402
from commit_to_dom import manage, session_key  # noqa: E402

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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=1_000_000)
    count = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        manage("migrate", "-v0").wait()
        import django

        django.setup()
        run_some()
        start = time.perf_counter()
        copy(count // BLOCK - 1)
        print(f"{count:,} jobs made in {time.perf_counter() - start:.0f} s", flush=True)
        measure()


def run_some() -> None:
    """A block of jobs of one step: most succeed, one fails, one is cancelled."""
    from jobs import orchestrator, workers
    from jobs.codes import Fact
    from jobs.runner import Outcome, Verdict

    nightly, hourly = chain("Nightly", 1), chain("Hourly", 1)
    knows = {cls.name: list(cls.steps()) for cls in (nightly, hourly)}
    post = workers.register(slots=1, knows=knows)
    desk = orchestrator.Claimant(worker=post.worker, knows=knows)
    for number in range(BLOCK):
        job = orchestrator.launch(nightly if number % 2 else hourly)
        if number == 0:
            orchestrator.cancel(job.pk)
            continue
        [held] = orchestrator.claim(desk, 1)
        verdict = Verdict.FAILED if number == 1 else Verdict.RETURNED
        orchestrator.finish(desk, held, Outcome(verdict=verdict, fact=Fact.text("it raised")), 0)
    post.deregister()


def copy(times: int) -> None:
    """So many copies of all there is, each with ids of its own."""
    from jobs import database
    from jobs.database import triggers
    from jobs.models import Attempt, Job, Step, Transition

    models = (Job, Step, Attempt, Transition)
    strides: dict[Any, int] = {model: model.objects.latest("pk").pk for model in models}
    uuid = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
    triggers.remove()
    with database.write(), database.connection.cursor() as cursor:
        for model in models:
            columns = {}
            for field in model._meta.concrete_fields:
                stride = strides.get(model if field.primary_key else field.related_model)
                columns[field.column] = (
                    f"{field.column} + copies.nth * {stride}" if stride else field.column
                )
            if "uuid" in columns:
                columns["uuid"] = uuid[database.connection.vendor]
            table = model._meta.db_table
            cursor.execute(
                "WITH RECURSIVE copies(nth) AS "
                "(SELECT 1 UNION ALL SELECT nth + 1 FROM copies WHERE nth < %s) "
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {', '.join(columns.values())} FROM copies CROSS JOIN {table}",
                [times],
            )
    triggers.install()
    with database.connection.cursor() as cursor:  # as autovacuum does in a history that grew slowly
        if database.connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")


def measure() -> None:
    """Median milliseconds of each list; each is asked for once before."""
    from django.test import Client, override_settings

    client = Client()
    client.cookies["sessionid"] = session_key()
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for model, queries in LISTS.items():
            for query in queries:
                times = []
                for _ in range(ROUNDS + 1):
                    start = time.perf_counter()
                    response = client.get(f"/admin/truestep/{model}/?{query}")
                    times.append((time.perf_counter() - start) * 1000)
                    assert response.status_code == 200
                first, *others = times
                median = statistics.median(others)
                print(
                    f"  {model}/?{query}: {median:.0f} ms, the first time {first:.0f}", flush=True
                )


if __name__ == "__main__":
    main()
