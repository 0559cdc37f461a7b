"""What a run prints: when, where and with what it was made, and the tables."""

from __future__ import annotations

import sqlite3
import sys

from benchmarks import document, machine
from jobs.backends.sqlite.library import library

from . import environment, tables
from .measure import Bench
from .results import Results

TITLE = "## Other queues"


def section(results: Results, bench: Bench, rounds: int) -> str:
    """The section of RESULTS.md about this benchmark."""
    facts = {
        "Date": document.date(rounds),
        "Machine": machine.describe(bench.directory),
        "Truestep": document.commit(),
        "Versions": ", ".join(f"{name} {version}" for name, version in _versions(bench).items()),
        "Command": document.command("benchmarks.peers"),
    }
    if results.missing:
        facts["Did not run to its end"] = ", ".join(results.missing)
    return document.section(TITLE, facts, tables.everything(results))


def _versions(bench: Bench) -> dict[str, str]:
    return {
        "Python": sys.version.split()[0],
        "PostgreSQL": bench.postgresql.version(),
        "Redis": bench.redis.version(),
        "SQLite": f"{library.sqlite_version} (Truestep) and {sqlite3.sqlite_version} (the others)",
        **environment.versions(),
    }
