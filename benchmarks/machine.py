"""How fast the machine is at the moment, and what it is."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path

import psutil

SPINS, SPIN_TURNS = 5, 200_000
SYNCS, SYNC_BYTES = 100, 8192


def spin() -> float:
    """The milliseconds that a fixed piece of Python takes: more of them while others compute."""

    def once() -> float:
        start = time.perf_counter()
        total = 0
        for number in range(SPIN_TURNS):
            total += number * number % 7
        return (time.perf_counter() - start) * 1000

    return statistics.median(once() for _ in range(SPINS))


def fsync(directory: Path) -> float:
    """The median milliseconds in which the disk of *directory* has written a page for good."""
    page = os.urandom(SYNC_BYTES)
    file = directory / "fsync"
    times = []
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for number in range(SYNCS):
            os.pwrite(descriptor, page, number % 16 * SYNC_BYTES)
            start = time.perf_counter()
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - start) * 1000)
    finally:
        os.close(descriptor)
        file.unlink()
    return statistics.median(times)


def describe(directory: Path) -> str:
    """The machine in one line."""
    memory = psutil.virtual_memory().total / 2**30
    parts = [
        f"{os.cpu_count()} × {_processor()}",
        f"{memory:.0f} GB",
        f"Linux {platform.release()}",
        f"{_file_system(directory)} in {directory.parent}",
    ]
    return ", ".join(parts)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ")[1]
    return platform.machine()


def _file_system(directory: Path) -> str:
    mounts = psutil.disk_partitions(all=True)
    holding = [part for part in mounts if directory.is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype
