"""The results as Markdown tables."""

from __future__ import annotations

from statistics import median

from benchmarks.document import table
from benchmarks.support import percentile

from .budget import LIMITS
from .measure import Measured, Result
from .results import Figure, Results
from .subjects import COMPARED, DATABASES, OURS, SCALED, SCALES, SHARED, Subject

FIVE = 5
TITLES = {FIVE: "Jobs of five steps, one after another", 1: "Jobs of one step"}
COLUMNS = (
    *("queue", "database", "stores of a step", "steps/s", "ours ÷ theirs"),
    *("one idle job: p50 ms", "p99 ms", "ours ÷ theirs"),
    *("CPU ms a step: workers", "database", "launch", "total", "ours ÷ theirs"),
    *("a worker's connection says", "fsync p50 ms", "spin ms"),
)


def everything(results: Results) -> str:
    """All tables for which there are results."""
    tables = {
        **{title: comparison(results, steps) for steps, title in TITLES.items()},
        "Workers and slots": scaling(results),
        "Budget": budget(results),
        "What the isolation of jobs costs": isolation(results),
    }
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in tables.items() if table)


def comparison(results: Results, steps: int) -> str:
    """Every queue in jobs of so many steps."""
    measured = [subject for subject in COMPARED if results.of(subject)]
    return table(COLUMNS, [_row(results, subject, steps) for subject in measured])


def scaling(results: Results) -> str:
    """Steps a second and the CPU time of a step, by workers and slots."""
    rows = []
    for database, name in DATABASES.items():
        for workers in SCALES:
            cells = [_cell(results, SCALED[database, workers, slots]) for slots in SCALES]
            if any(cells):
                rows.append([name, str(workers), *cells])
    return table(["database", "workers", *(f"slots a worker: {slots}" for slots in SCALES)], rows)


def budget(results: Results) -> str:
    """Where the CPU time of a step goes, beside its limit."""
    measured = [ours for ours in OURS.values() if results.of(ours)]
    rows = [
        [part, f"{limit:.1f}", *(_cpu(results, ours, _part(part)) for ours in measured)]
        for part, limit in LIMITS.items()
    ]
    total = f"{sum(LIMITS.values()):.1f}"
    rows.append(["total", total, *(_cpu(results, ours, _total) for ours in measured)])
    names = (DATABASES[ours.database] for ours in measured)
    return table(["CPU ms a step", "limit", *names], rows if measured else [])


def isolation(results: Results) -> str:
    """Processes of one job each beside processes that go on to the next job."""
    rows = [
        [
            *(DATABASES[database], str(steps)),
            *(f"{results.median(each, steps, _rate):.0f}" for each in (OURS[database], shared)),
            *(_cpu(results, each, _total, steps) for each in (OURS[database], shared)),
        ]
        for database, shared in SHARED.items()
        if results.of(shared) and results.of(OURS[database])
        for steps in TITLES
    ]
    columns = ("database", "steps a job", "steps/s, isolated", "shared")
    return table([*columns, "CPU ms a step, isolated", "shared"], rows)


def _row(results: Results, subject: Subject, steps: int) -> list[str]:
    idle = [taken for shape in results.shapes(subject, steps) for taken in shape.idle]
    cpu = (_workers, _part("database"), _part("launch"), _total)
    return [
        *(subject.name, DATABASES[subject.database], subject.stores),
        f"{results.median(subject, steps, _rate):.0f}",
        _ratio(results, subject, steps, _rate),
        *(f"{median(idle):.1f}", f"{percentile(idle, 99):.1f}"),
        _ratio(results, subject, steps, _idle),
        *(_cpu(results, subject, figure, steps) for figure in cpu),
        _ratio(results, subject, steps, _total),
        *_circumstances(results.of(subject)),
    ]


def _circumstances(measured: list[Result]) -> list[str]:
    """What workers said about durability, how fast the disk was, and how busy the machine."""
    said = {
        ", ".join(f"{key}={value}" for key, value in each.durability.items()) for each in measured
    }
    spins = [spin for each in measured for spin in each.spins]
    return [
        " or ".join(sorted(said)),
        f"{median(each.fsync for each in measured):.2f}",
        f"{min(spins):.1f}–{max(spins):.1f}",
    ]


def _cell(results: Results, subject: Subject) -> str:
    if not results.of(subject):
        return ""
    rate = results.median(subject, FIVE, _rate)
    return f"{rate:.0f} steps/s, {_cpu(results, subject, _total)} ms"


def _ratio(results: Results, subject: Subject, steps: int, figure: Figure) -> str:
    ratio = results.ratio(OURS[subject.database], subject, steps, figure)
    return "–" if ratio is None else f"{ratio:.2f}"


def _cpu(results: Results, subject: Subject, figure: Figure, steps: int = FIVE) -> str:
    return f"{results.median(subject, steps, figure):.2f}"


def _rate(shape: Measured) -> float:
    return shape.rate


def _idle(shape: Measured) -> float:
    return median(shape.idle)


def _workers(shape: Measured) -> float:
    return shape.workers


def _total(shape: Measured) -> float:
    return shape.total


def _part(name: str) -> Figure:
    return lambda shape: shape.parts[name]
