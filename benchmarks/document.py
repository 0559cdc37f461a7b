"""RESULTS.md: sections that a benchmark replaces, and tables."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.support import ROOT

FILE = ROOT / "benchmarks" / "RESULTS.md"


def section(title: str, facts: Mapping[str, str], body: str) -> str:
    listed = "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
    return f"{title}\n\n{listed}\n\n{body}\n"


def replace(title: str, section: str) -> None:
    """Put the section in the place of the last one with that title, else at the end."""
    text = FILE.read_text()
    before, found, rest = text.partition(f"{title}\n")
    after = re.search(r"^## ", rest, re.MULTILINE)
    if not found:
        before = f"{before.rstrip()}\n\n"
    FILE.write_text(before + section + (f"\n{rest[after.start() :]}" if after else ""))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; nothing if it has no row."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if len(lines) > 2 else ""


def date(rounds: int) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {rounds} round(s)"


def command(module: str) -> str:
    """How this process was started."""
    return f"`{' '.join([f'python -m {module}', *sys.argv[1:]])}`"


def commit() -> str:
    described = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(described, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
