"""The results as a table: medians over the rounds, and the worst of what must not happen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median

from benchmarks import document, machine

from .cells import CELLS, ENGINES
from .measure import WINDOWS, Run

TITLE = "## Faults"
COLUMNS = (
    *("fault", "engine", "lasted s", "steps/s before", "during"),
    *(f"{start:.0f}–{end:.0f} s after" for start, end in WINDOWS),
    *("last ÷ before", "back to 0.9 after s", "longest job s", "jobs", "lost", "failed", "audit"),
)
Pair = tuple[Run, Run]  # with the fault and without


def section(results: Mapping[tuple[str, str], list[Pair]], rounds: int, directory: Path) -> str:
    """The section of RESULTS.md: of each cell a row with the fault and one without."""
    facts = {
        "Date": document.date(rounds),
        "Machine": machine.describe(directory),
        "Truestep": document.commit(),
        "Python": sys.version.split()[0],
        "Command": document.command("benchmarks.faults"),
    }
    return document.section(TITLE, facts, document.table(COLUMNS, _rows(results)))


def _rows(results: Mapping[tuple[str, str], list[Pair]]) -> Iterable[list[str]]:
    for cell in CELLS:
        for engine in ENGINES:
            pairs = results.get((cell.key, engine))
            if pairs:
                yield _row(cell.name, engine, [fault for fault, _ in pairs])
                yield _row("— the same time without", engine, [control for _, control in pairs])


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
