"""Jobs of five steps while something breaks: steps a second before, during and after.

    .venv/bin/python -m benchmarks.faults --rounds 3 --write
    .venv/bin/python -m benchmarks.faults --rounds 1 --only sessions frozen --engines embedded

In each round, the same servers and workers also run without a fault. "Back to 0.9" is the time from
the beginning of the fault until the rate is 0.9 of that before, for two seconds; if the fault takes
half of the workers away, 0.9 of half of that. PostgreSQL, Redis with Sentinel, and PgBouncer have
to be installed; each run has servers of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import document

from . import report
from .cells import CELLS, CONTROLS, ENGINES, Cell
from .measure import Figures, Run, run


def main() -> None:
    chosen = _options()
    cells = [cell for cell in CELLS if not chosen.only or cell.key in chosen.only]
    figures = Figures(chosen.before, chosen.lease)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the servers
    results: dict[tuple[str, str], list[Run]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=chosen.directory, prefix="truestep_faults_") as made:
        directory = Path(made)
        directory.chmod(0o755)  # the user that runs PostgreSQL enters it
        for number in range(chosen.rounds):
            for cell in _with_controls(cells):
                for engine in [each for each in cell.engines if each in chosen.engines]:
                    found = run(cell, engine, figures, directory)
                    results[cell.key, engine].append(found)
                    print(f"Round {number + 1}: {cell.key}, {engine}: {found}", flush=True)
        section = report.section(results, chosen.rounds, directory)
    print(f"\n{section}")
    if chosen.write:
        document.replace(report.TITLE, section)
    sys.exit(0 if all(each.is_sound for runs in results.values() for each in runs) else 1)


def _with_controls(cells: Sequence[Cell]) -> Iterator[Cell]:
    """The cells, each behind the run without a fault of the same servers and workers."""
    for control in CONTROLS:
        if beside := [cell for cell in cells if cell.layout == control.layout]:
            yield from (control, *beside)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    keys = [cell.key for cell in CELLS]
    parser.add_argument("--only", nargs="+", choices=keys, metavar="FAULT", help=", ".join(keys))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--before", type=float, default=5.0, help="seconds before the fault")
    parser.add_argument(
        "--lease", type=float, default=15.0, help='TRUESTEP["lease"], by default as there'
    )
    parser.add_argument(
        "--directory", default="/var/tmp", help="where the databases are, on the disk to measure"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the table into benchmarks/RESULTS.md"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
