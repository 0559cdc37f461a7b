"""How long does it take to give the journal of release 0.1.0 its codes?

    .venv/bin/python -m benchmarks.old_journal [--entries 1000000]

The history in tests/history, in which every kind of sentence occurs, is copied in SQL until it is
long enough. Then ``migrate`` runs in its own process, whose time, CPU and memory are taken (not
those of PostgreSQL's server). DATABASE_URL may name an empty PostgreSQL.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time

from django.db import connection

from benchmarks.support import MANAGE, ROOT, options
from tests.history.database import OldDatabase
from tests.support.copies import copy_history


def main() -> None:
    wanted = options(__doc__, entries=1_000_000).entries
    count = make_history(wanted)
    start = time.perf_counter()
    subprocess.run([*MANAGE, "migrate"], cwd=ROOT, check=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    memory = used.ru_maxrss / 1024
    print(f"{count:,} entries: {seconds:.0f} s, {cpu:.0f} s of CPU, {memory:.0f} MiB")


def make_history(wanted: int) -> int:
    """Load the release's history and copy it; returns how many entries there are then."""
    OldDatabase(os.environ["DATABASE_URL"]).load()
    with connection.cursor() as cursor:
        disable_triggers()
        cursor.execute("SELECT count(*) FROM truestep_transition")
        entries: int = cursor.fetchone()[0]
        copies = max(1, wanted // entries - 1)
        copy_history(copies)
    connection.close()
    return entries * (1 + copies)


def disable_triggers() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


if __name__ == "__main__":
    main()
