"""How long does a long journal of release 0.1.0 take to get its codes?

    .venv/bin/python benchmarks/old_journal.py [--entries 1000000]

The history in tests/history, in which every kind of sentence occurs, is copied in SQL until it is
long enough. Then ``migrate`` is run in a process of its own, and its time and memory are taken (of
PostgreSQL's server, neither CPU nor memory).
DATABASE_URL may name an empty PostgreSQL, see commit_to_dom.py.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "tests" / "history" / "release_0_1_0"
ENTRIES = 255  # of that history
# Tables and their columns that hold an id, each with the table that has it.
IDS = {
    "job": {"id": "job"},  # again_of stays: the sentences name it
    "step": {"id": "step", "job_id": "job"},
    "need": {"id": "need", "step_id": "step", "needed_id": "step"},
    "attempt": {"id": "attempt", "step_id": "step"},
    "transition": {"id": "transition", "job_id": "job", "step_id": "step"},
    "logchunk": {"id": "logchunk", "step_id": "step"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    count = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        execute = connect(os.environ["DATABASE_URL"])
        copy(execute, count // ENTRIES)
        start = time.perf_counter()
        command = [sys.executable, str(ROOT / "manage.py"), "migrate"]
        subprocess.run(command, check=True, cwd=ROOT)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = used.ru_utime + used.ru_stime
        memory = used.ru_maxrss / 1024
        print(f"{count:,} entries: {seconds:.0f} s, {busy:.0f} s of CPU, {memory:.0f} MiB")


def connect(url: str) -> Any:
    """Load the release's history, without its triggers. Returns what executes SQL."""
    if url.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.executescript((RELEASE / "sqlite.sql").read_text())
        made = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(made).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.create_function("gen_random_uuid", 0, lambda: os.urandom(16).hex())
    else:
        import psycopg

        connection = psycopg.connect(url, autocommit=True)
        connection.execute((RELEASE / "postgresql.sql").read_text())
        connection.execute("SET search_path = public; SET session_replication_role = replica")
    return connection.execute


def copy(execute: Any, times: int) -> None:
    highest = {
        table: execute(f"SELECT max(id) FROM truestep_{table}").fetchone()[0] for table in IDS
    }
    for table, ids in IDS.items():
        columns = [
            column[0] for column in execute(f"SELECT * FROM truestep_{table} LIMIT 0").description
        ]
        values = [
            f"{column} + n * {highest[ids[column]]}"
            if column in ids
            else "gen_random_uuid()"
            if column == "uuid"
            else f'"{column}"'
            for column in columns
        ]
        names = ", ".join(f'"{column}"' for column in columns)
        execute(
            f"WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies "
            f"WHERE n < {times - 1}) INSERT INTO truestep_{table} ({names}) "
            f"SELECT {', '.join(values)} FROM copies CROSS JOIN truestep_{table}"
        )


if __name__ == "__main__":
    main()
