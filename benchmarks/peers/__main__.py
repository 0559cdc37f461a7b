"""Truestep beside other queues: throughput, latency and CPU time, in turn, in the same run.

    .venv/bin/python -m benchmarks.peers --rounds 3 --write
    .venv/bin/python -m benchmarks.peers --rounds 1 --only truestep procrastinate

The first run installs the other queues in var/peers. PostgreSQL and Redis have to be installed; the
benchmark starts servers of its own and ends them.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import document

from . import environment, report
from .measure import Bench, Figures
from .results import Results
from .subjects import COMPARED, SCALED, SHARED, Subject

ALL = (*COMPARED, *SHARED.values(), *SCALED.values())


def main() -> None:
    chosen = _options()
    subjects = [each for each in ALL if each.key.startswith(tuple(chosen.only))]
    if not subjects:
        raise SystemExit(f"Nothing is called {' or '.join(chosen.only)}. --help lists the names.")
    if not all(subject.is_ours for subject in subjects):
        environment.install()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the servers
    with ExitStack() as ending:
        bench = Bench(ending, _new_directory(ending, chosen.directory))
        results = measure(bench, subjects, chosen.rounds, Figures(chosen.jobs, chosen.idle))
        section = report.section(results, bench, chosen.rounds)
    print(f"\n{section}")
    if chosen.write:
        document.replace(report.TITLE, section)


def measure(bench: Bench, subjects: list[Subject], rounds: int, figures: Figures) -> Results:
    """Measure one subject after the other, and all of them again in each round."""
    results = Results()
    for number in range(1, rounds + 1):
        for subject in subjects:
            said = f"Round {number}: {subject.key}:"
            try:
                result = bench.measure(subject, _figures_of(subject, figures))
            except RuntimeError as error:  # the others go on
                results.missing.append(f"{subject.key} in round {number}")
                print(said, error, file=sys.stderr, flush=True)
                continue
            results.add(subject, number, result)
            rates = ", ".join(f"{shape.rate:.0f}" for shape in result.shapes.values())
            print(said, rates, "steps/s", flush=True)
    return results


def _figures_of(subject: Subject, figures: Figures) -> Figures:
    return figures.of_throughput() if subject in SCALED.values() else figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=_at_least(1), default=3)
    parser.add_argument(
        "--jobs", type=_at_least(1), default=200, help="of each shape, launched at once"
    )
    parser.add_argument(
        "--idle", type=_at_least(2), default=20, help="jobs of each shape, one by one"
    )
    names = ", ".join([*(each.key for each in (*COMPARED, *SHARED.values())), "scaling"])
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="NAME", help=f"beginnings of: {names}"
    )
    parser.add_argument(
        "--directory", default="/var/tmp", help="where the databases are, on the disk to measure"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the tables into benchmarks/RESULTS.md"
    )
    return parser.parse_args()


def _at_least(lowest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text}: pass {lowest} or more.")
        return int(text)

    return number


def _new_directory(ending: ExitStack, parent: str) -> Path:
    """A directory that *ending* removes, which the user that runs PostgreSQL can enter."""
    made = tempfile.TemporaryDirectory(dir=parent, prefix="truestep_peers_")
    directory = Path(ending.enter_context(made))
    directory.chmod(0o755)
    return directory


if __name__ == "__main__":
    main()
