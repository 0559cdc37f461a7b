"""One run: steps a second before a fault and after it, and what became of every job."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
import time
from bisect import bisect_left
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from .cells import Cell
from .site import END_SECONDS, Site, wait_until

SAMPLE_SECONDS = 0.2
WARM_STEPS = 100
GOOD = 0.9  # of the rate before
STRETCH_SECONDS = 2.0  # over which a rate has to be good again
WINDOWS = ((0.0, 5.0), (5.0, 10.0))  # seconds after the end of the fault
SUCCEEDED = "SELECT count(*) FROM truestep_step WHERE status = 'succeeded'"
UNFINISHED = "SELECT count(*) FROM truestep_job WHERE ended_at IS NULL"
LONGEST = "SELECT extract(epoch FROM max(ended_at - created_at))::float FROM truestep_job"
OTHERS = "SELECT count(*) FROM truestep_job WHERE status <> 'succeeded'"


@dataclass(frozen=True)
class Figures:
    before: float  # seconds
    lease: float


@dataclass(frozen=True)
class Run:
    """What one run showed."""

    before: float  # steps a second
    lasted: float  # seconds
    during: float | None  # steps a second; None of a fault that is over at once
    after: tuple[float, ...]  # in each of WINDOWS
    back: float | None  # seconds from the beginning until the rate is good; None: never seen
    jobs: int
    lost: int
    failed: int
    longest: float  # seconds from the launch of a job to its end
    audit: str

    @property
    def is_sound(self) -> bool:
        """Whether every job that was launched has succeeded, and the journal adds up."""
        return not (self.lost or self.failed) and self.audit == "clean"


class Counter:
    """Counts succeeded steps all the time, also while the database comes and goes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._at: list[float] = []
        self._counts: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Counter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def latest(self) -> int:
        return self._counts[-1] if self._counts else 0

    def rate(self, start: float, end: float) -> float:
        """Steps a second between two moments, as ``time.monotonic`` says them."""
        return (self._count_at(end) - self._count_at(start)) / (end - start)

    def good_from(self, start: float, rate: float) -> float | None:
        """The first moment from *start* after which the rate is good for a stretch."""
        last = self._at[-1] - STRETCH_SECONDS
        candidates = (start, *(at for at in self._at if at > start))
        return next(
            (at for at in candidates if at <= last and self._is_good(at, rate)),
            None,
        )

    def _is_good(self, at: float, rate: float) -> bool:
        return self.rate(at, at + STRETCH_SECONDS) >= GOOD * rate

    def _count_at(self, moment: float) -> float:
        """Between two samples, as if steps had ended evenly."""
        right = min(max(bisect_left(self._at, moment), 1), len(self._at) - 1)
        left = right - 1
        width = self._at[right] - self._at[left]
        part = min(max((moment - self._at[left]) / width, 0.0), 1.0)
        return self._counts[left] + part * (self._counts[right] - self._counts[left])

    def _count(self) -> None:
        connection: psycopg.Connection | None = None
        while not self._over.wait(SAMPLE_SECONDS):
            try:
                connection = connection or self._site.connect()
                [count] = connection.execute(SUCCEEDED).fetchone() or [0]
            except psycopg.OperationalError:  # the fault concerns the server
                if connection:
                    connection.close()
                connection = None
                continue
            self._at.append(time.monotonic())
            self._counts.append(count)
        if connection:
            connection.close()


def run(cell: Cell, engine: str, figures: Figures, parent: Path) -> Run:
    """Run the cell once."""
    with ExitStack() as ending:
        directory = Path(tempfile.mkdtemp(dir=parent))
        ending.callback(shutil.rmtree, directory, ignore_errors=True)
        site = Site(ending, directory, engine, cell.layout, figures.lease)
        client = site.start_client()
        with Counter(site) as counter:
            wait_until(lambda: counter.latest >= WARM_STEPS, END_SECONDS)
            measured = _measure(cell, site, counter, figures)
        return replace(measured, **_outcome(site, client))


def _measure(cell: Cell, site: Site, counter: Counter, figures: Figures) -> Run:
    time.sleep(figures.before)
    began = time.monotonic()
    cell.fault(site)
    over = time.monotonic()
    # Until after the last window, and until the steps of a lost worker were taken over.
    time.sleep(max(WINDOWS[-1][1], cell.notices(site)) + 2 * SAMPLE_SECONDS)
    before = counter.rate(began - figures.before, began)
    good = counter.good_from(began, before * cell.left)
    return Run(
        before=before,
        lasted=over - began,
        during=counter.rate(began, over) if over - began >= 1 else None,
        after=tuple(counter.rate(over + start, over + end) for start, end in WINDOWS),
        back=None if good is None else good - began,
        **{"jobs": 0, "lost": 0, "failed": 0, "longest": 0.0, "audit": ""},
    )


def _outcome(site: Site, client: subprocess.Popen[str]) -> dict[str, object]:
    """Stop launching, let everything end, and look what became of it."""
    client.send_signal(signal.SIGTERM)
    client.wait(END_SECONDS)
    wait_until(lambda: not site.ask(UNFINISHED), END_SECONDS, pause=0.5)
    launched = [int(line) for line in site.launched.read_text().splitlines()]
    with site.connect() as connection:
        there = {pk for (pk,) in connection.execute("SELECT id FROM truestep_job")}
    return {
        "jobs": len(there),
        "lost": len(set(launched) - there),
        "failed": site.ask(OTHERS),
        "longest": site.ask(LONGEST),
        "audit": site.manage("audit").partition(":")[0].strip(),
    }
