"""Processes that the benchmark starts: their end, and the CPU time of all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

STOP_SECONDS = 15.0


def start(
    ending: ExitStack,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[str]:
    """Start a command in a session of its own, which *ending* stops. What it prints is in *log*."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            **{"stdin": subprocess.DEVNULL, "stdout": output, "cwd": "/", **options},
            stderr=output,
            text=True,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    ending.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):  # what is left in its session
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_by_generation(pid: int) -> list[float]:
    """The CPU seconds so far of a process, of its children, and of everything below them.

    The time of a process that has ended counts where its siblings' does.
    """
    root = psutil.Process(pid)
    generations = {pid: 0}
    seconds = [0.0, 0.0, 0.0]
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            generation = generations.setdefault(process.pid, generations.get(process.ppid(), 1) + 1)
            times = process.cpu_times()
            seconds[min(generation, 2)] += times.user + times.system
            seconds[min(generation + 1, 2)] += times.children_user + times.children_system
    return seconds


def alive(pids: Iterable[int]) -> set[int]:
    """These processes and everything below them."""
    roots = [psutil.Process(pid) for pid in pids]
    return {each.pid for root in roots for each in [root, *root.children(recursive=True)]}


def cpu(*pids: int) -> float:
    """The CPU seconds so far of these processes and everything below them."""
    return sum(sum(cpu_by_generation(pid)) for pid in pids)
