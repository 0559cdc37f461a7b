"""What a run prints: when, where and with what it was made, and the tables."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

from benchmarks.support import ROOT
from jobs.backends.sqlite.library import library

from . import environment, machine, tables
from .measure import Bench
from .results import Results

FILE = ROOT / "benchmarks" / "RESULTS.md"
TITLE = "## Other queues"


def section(results: Results, bench: Bench, rounds: int) -> str:
    """The section of RESULTS.md about this benchmark."""
    facts = {
        "Date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {rounds} round(s)",
        "Machine": machine.describe(bench.directory),
        "Truestep": _git("describe", "--always", "--dirty"),
        "Versions": ", ".join(f"{name} {version}" for name, version in _versions(bench).items()),
        "Command": f"`{' '.join(['python -m benchmarks.peers', *sys.argv[1:]])}`",
    }
    if results.missing:
        facts["Did not run to its end"] = ", ".join(results.missing)
    listed = "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
    return f"{TITLE}\n\n{listed}\n\n{tables.everything(results)}\n"


def write(section: str) -> None:
    """Put the section in the place of the last one."""
    text = FILE.read_text()
    before, _, rest = text.partition(TITLE)
    after = re.search(r"^## ", rest, re.MULTILINE)
    FILE.write_text(before + section + (f"\n{rest[after.start() :]}" if after else ""))


def _versions(bench: Bench) -> dict[str, str]:
    return {
        "Python": sys.version.split()[0],
        "PostgreSQL": bench.postgresql.version(),
        "Redis": bench.redis.version(),
        "SQLite": f"{library.sqlite_version} (Truestep) and {sqlite3.sqlite_version} (the others)",
        **environment.versions(),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
