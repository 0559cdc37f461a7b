"""What tests share: waiting for a condition, and real processes that always end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import database
from jobs.codes import Code, Fact
from jobs.models import Attempt, Intent, Job, LogChunk, Need, Step, Transition
from jobs.orchestrator import Desk, claim, finish
from jobs.runner import Outcome
from jobs.statuses import Kind, Verdict
from jobs.transitions import Claim

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent


def wait_for(condition: Callable[[], T], seconds: float = 30.0, what: str = "") -> T:
    """The first true answer of *condition*; fails after *seconds*.

    That is long, since it ends a test that hangs; what is promised sooner is asked for sooner.
    """
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.01)


def at_length(brief: Any, full: Any) -> list[Any]:
    """Two sizes of a test, as parameters: one for every run, and one for ``--full`` instead."""
    return [
        pytest.param(brief, marks=pytest.mark.brief),
        pytest.param(full, marks=pytest.mark.full),
    ]


def wait_until_gone(processes: Iterable[psutil.Process]) -> None:
    """A process that nobody has waited for yet is gone, too."""
    wait_for(lambda: not any(map(runs, processes)), what=f"{processes} are gone")


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _environment() -> dict[str, str]:
    """This process's own, without what keeps the C library from buffering what steps print."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


class Program:
    """A running manage.py command; its output is collected as it comes."""

    def __init__(
        self, *arguments: str, env: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> None:
        """*before*: a command that runs this one."""
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            [*before, sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=_environment()
            | {"DJANGO_SETTINGS_MODULE": "tests.ordinary_settings"}
            | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, into: list[str]) -> None:
        with stream:
            for line in stream:
                into.append(line.rstrip("\n"))

    def wait_for_line(self, start: str, seconds: float = 60.0) -> str:
        """The first line of output that begins with *start*."""
        return wait_for(
            lambda: (
                next((line for line in self.lines if line.startswith(start)), None)
                or self._ended_early()
            ),
            seconds,
            f"a line that begins with {start!r}; so far {self.lines} {self.errors}",
        )

    def _ended_early(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.errors}")

    def wait(self, seconds: float = 30.0) -> int:
        """The exit code."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        return code

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for reader in self._readers:
            reader.join(5)  # it goes on for as long as a descendant keeps the output open


@contextmanager
def program(*arguments: str, env: dict[str, str] | None = None):
    running = Program(*arguments, env=env)
    try:
        yield running
    finally:
        running.end()


# --- driving the orchestrator in this process, as a worker does, without running any step ---------


def job_of(pk: int) -> Job:
    return Job.objects.get(pk=pk)


def step_of(job: Job, name: str) -> Step:
    return Step.objects.get(job=job, name=name)


def log_of(job: Job, name: str) -> list[str]:
    """The lines of the step's log, of all attempts."""
    chunks = LogChunk.objects.filter(step=step_of(job, name)).order_by("first")
    return [line for chunk in chunks for line in chunk.lines()]


def statuses(job: Job) -> dict[str, str]:
    """The status of each step, by name."""
    return dict(job.steps.values_list("name", "status"))


def returned(result: Any = None) -> Outcome:
    return Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED), result=result)


def ended(verdict: Verdict, reason: str = "for a test") -> Outcome:
    """An attempt that ended in any way but returning."""
    return Outcome(verdict=verdict, fact=Fact.text(reason), error=reason)


def drive(desk: Desk, job: Job, outcome: Callable[[Claim], Outcome] = lambda claim: returned()):
    """Claim and finish until nothing is left to claim; *outcome* says how each attempt ends."""
    claims = claim(desk, room=2)
    while claims:
        claims += finish(desk, held := claims.pop(0), outcome(held), room=1)
        claims = claims or claim(desk, room=2)
    return job_of(job.pk)


@contextmanager
def rows_as_they_lie() -> Iterator[None]:
    """On PostgreSQL: queries read tables through, as the planner may choose at any time."""
    with connection.cursor() as cursor:
        for path in ("indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET enable_{path} = off")
        try:
            yield
        finally:
            cursor.execute("RESET ALL")


def number_rows_from(first: int) -> None:
    """Rows of Truestep made from now on have this number or a higher one."""
    tables = [model._meta.db_table for model in (Job, Step, Attempt, Transition)]
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = %s", [table])
                [last] = cursor.fetchone()
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
                    [table, max(last or 0, first - 1)],
                )
            else:
                sequence = "pg_get_serial_sequence(%s, 'id')"
                cursor.execute(
                    f"SELECT setval({sequence}, greatest(%s, nextval({sequence})))",
                    [table, first - 1, table],
                )


def rows() -> dict[str, list[tuple]]:
    """Every row of Truestep: equal before and after means that nothing was written."""
    models = (Job, Step, Need, Attempt, Transition, LogChunk, Intent)
    return {m.__name__: list(m.objects.order_by("pk").values_list()) for m in models}


def drop_trigger(name: str, table: str) -> None:
    """As if somebody had dropped one of the guards; ``triggers.install`` brings it back."""
    of_table = "" if connection.vendor == "sqlite" else f" ON {table}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{of_table}")


def journal(job: Job) -> list[tuple[str | None, str, str]]:
    """(step or None, from, to) of each move, in order."""
    moves = Transition.objects.filter(job=job, kind=Kind.MOVE).order_by("seq")
    return list(moves.values_list("step__name", "from_status", "to_status"))


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised; each in a thread, on a database connection of its own."""
    answers: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        try:
            answers[index] = calls[index]()
        except Exception as error:
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def stop_process(pid: int) -> None:
    """Stop a process, but not in the middle of a write: on SQLite all others would wait for it."""
    with database.write():
        os.kill(pid, signal.SIGSTOP)


class Cost(CaptureQueriesContext):
    """What a block of code asks of the database: its commits, and its statements beside them."""

    def __init__(self) -> None:
        super().__init__(connection)

    @property
    def commits(self) -> int:
        return sum(query["sql"].startswith("COMMIT") for query in self)

    @property
    def statements(self) -> list[str]:
        control = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
        return [query["sql"] for query in self if not query["sql"].startswith(control)]
