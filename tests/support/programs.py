"""Real processes: commands that always end, and what a worker has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import contextmanager

import psutil

from jobs import database
from tests.support.waiting import ROOT, wait_for

SHORT_LEASE = {"TEST_LEASE": "3", "TEST_BEAT": "0.5"}  # for the environment of a worker


def _environment() -> dict[str, str]:
    """This process's own, without what keeps the C library from buffering what steps print."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


class Program:
    """A running command; its output is collected as it comes."""

    def __init__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
        python: Sequence[str] = (str(ROOT / "manage.py"),),
    ) -> None:
        """*before*: a command that runs this one. *python*: what it runs instead of manage.py."""
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            [*before, sys.executable, *python, *arguments],
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
            reader.join(5)  # it runs as long as a descendant keeps the output open


@contextmanager
def program(*arguments: str, **how):
    running = Program(*arguments, **how)
    try:
        yield running
    finally:
        running.end()


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(processes: Iterable[psutil.Process]) -> None:
    """A zombie counts as gone."""
    wait_for(lambda: not any(map(runs, processes)), what=f"{processes} are gone")


def stop_process(pid: int) -> None:
    """Stop a process, but not in the middle of a write: on SQLite all others would wait for it."""
    with database.write():
        os.kill(pid, signal.SIGSTOP)


# --- the processes of a worker --------------------------------------------------------------------


def family(worker):
    """Every process that the worker has started, directly or not."""
    return family_of(psutil.Process(worker.process.pid))


def family_of(process):
    return process.children(recursive=True)


def family_at_work(worker, spares=2):
    """The same, once one of its slots runs a step and all of its spare slots are there."""
    slots = 1 + spares
    server = wait_for(lambda: family(worker))[0]
    wait_for(lambda: len(server.children()) == slots, what=f"{slots} slots")
    return family(worker)


def wait_until_spares_are_left(children, spares=2):
    """Of the family of a worker at work, only its fork server and its spare slots still run."""
    wait_for(lambda: sum(map(runs, children)) <= 1 + spares, what="only spares are left")


def sleepers(worker):
    """The processes of a worker that a step has started."""
    return [process for process in family(worker) if process.name() in ("sh", "sleep")]
