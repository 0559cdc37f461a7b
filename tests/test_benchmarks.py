"""The benchmarks that write RESULTS.md run, with tiny figures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = [pytest.mark.full, pytest.mark.sqlite, pytest.mark.timeout(600)]
README = ROOT / "benchmarks" / "README.md"


@pytest.fixture(scope="module")
def printed() -> str:
    """What a run prints that measures each kind of row once."""
    figures = ["--rounds", "1", "--jobs", "3", "--idle", "2"]
    subjects = ["truestep", "scaling-sqlite-1-1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", *figures, "--only", *subjects],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text: str, title: str) -> list[list[str]]:
    """The cells of the table below a title, without its head."""
    lines = text.partition(f"### {title}\n")[2].partition("\n### ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in table[2:]]


@pytest.mark.parametrize("title", ["Jobs of five steps, one after another", "Jobs of one step"])
def test_each_row_says_what_its_database_does(printed, title):
    durable = ["fsync=on, synchronous_commit=on"] * 3 + ["synchronous=FULL, journal_mode=wal"]
    found = rows(printed, title)
    assert [(row[0], row[1]) for row in found] == [
        ("Truestep", "PostgreSQL"),
        ("Truestep, with Redis", "PostgreSQL"),
        ("Truestep, in Celery workers", "PostgreSQL"),
        ("Truestep", "SQLite"),
    ]
    assert [row[13] for row in found] == durable
    assert all(float(cell) > 0 for row in found for cell in (row[3], row[5], row[11], row[14]))


def test_workers_and_slots_and_isolation_have_a_table(printed):
    assert [row[:2] for row in rows(printed, "Workers and slots")] == [["SQLite", "1"]]
    isolation = rows(printed, "What the isolation of jobs costs")
    assert [row[:2] for row in isolation] == [
        [database, steps] for database in ("PostgreSQL", "SQLite") for steps in "51"
    ]


def test_the_readme_has_the_limits_of_the_budget(printed):
    limits = {row[0]: row[1] for row in rows(printed, "Budget")}
    total = limits.pop("total")
    assert {row[0]: row[1] for row in rows(README.read_text(), "Budget")} == limits
    assert float(total) == pytest.approx(sum(map(float, limits.values())))


def test_a_fault_has_a_row_behind_one_without():
    figures = ["--rounds", "1", "--before", "2", "--only", "sessions", "--engines", "embedded"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", *figures],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"  # nothing lost, failed or unclean
    _, _, found = done.stdout.partition("\n## Faults\n")
    control, fault = [line for line in found.splitlines() if " | embedded | " in line]
    assert fault.startswith("| all sessions of PostgreSQL ended once |")
    assert control.startswith("| no fault |")
    for row in (control, fault):
        *_, lost, failed, audit = row.strip("| ").split(" | ")
        assert (lost, failed, audit) == ("0", "0", "clean")
