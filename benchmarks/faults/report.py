"""The results as a table: medians over the rounds, and the worst of what must not happen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median

from benchmarks import document, machine

from .cells import CELLS, CONTROLS, ENGINES
from .measure import WINDOWS, Run

TITLE = "## Faults"
COLUMNS = (
    *("fault", "engine", "lasted s", "steps/s before", "during"),
    *(f"{start:.0f}–{end:.0f} s after" for start, end in WINDOWS),
    *("last ÷ before", "back to 0.9 after s", "longest job s", "jobs", "lost", "failed", "audit"),
)
Results = Mapping[tuple[str, str], list[Run]]  # of each cell, by its key and the engine


def section(results: Results, rounds: int, directory: Path) -> str:
    """The section of RESULTS.md: a row for each cell, behind the one without a fault."""
    facts = {
        "Date": document.date(rounds),
        "Machine": machine.describe(directory),
        "Truestep": document.commit(),
        "Python": sys.version.split()[0],
        "Command": document.command("benchmarks.faults"),
    }
    return document.section(TITLE, facts, document.table(COLUMNS, _rows(results)))


def _rows(results: Results) -> Iterable[list[str]]:
    for control in CONTROLS:
        beside = [cell for cell in CELLS if cell.layout == control.layout]
        for cell in (control, *beside):
            for engine in ENGINES:
                if runs := results.get((cell.key, engine)):
                    yield _row(cell.name, engine, runs)


def _row(name: str, engine: str, runs: list[Run]) -> list[str]:
    return [
        name,
        engine,
        f"{median(run.lasted for run in runs):.1f}",
        f"{median(run.before for run in runs):.0f}",
        _median(runs, lambda run: run.during, "{:.0f}"),
        *(f"{median(run.after[number] for run in runs):.0f}" for number in range(len(WINDOWS))),
        f"{median(run.after[-1] / run.before for run in runs):.2f}",
        _median(runs, lambda run: run.back, "{:.1f}"),
        f"{max(run.longest for run in runs):.1f}",
        str(sum(run.jobs for run in runs)),
        str(sum(run.lost for run in runs)),
        str(sum(run.failed for run in runs)),
        ", ".join(sorted({run.audit for run in runs})),
    ]


def _median(runs: list[Run], figure: Callable[[Run], float | None], form: str) -> str:
    """A dash if a run has none."""
    found = [value for run in runs if (value := figure(run)) is not None]
    return form.format(median(found)) if len(found) == len(runs) else "–"
