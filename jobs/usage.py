"""What the process of an attempt used, and how it ended if it died: facts and words."""

from __future__ import annotations

import resource
import signal
from dataclasses import dataclass
from typing import Protocol

from .system.meter import peak_memory
from .times import duration

LIMITS = {"address space": resource.RLIMIT_AS, "data": resource.RLIMIT_DATA}
UNITS = ("KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is known of the process; None where nothing is. An ``Attempt`` has the same columns."""

    exit_code: int | None = None  # only if it ended before the step did; minus a signal's number
    peak_memory: int | None = None  # bytes: the most that one process of the step held at a time
    peak_is_shared: bool = False  # an earlier step of the same process may have reached it
    cpu_seconds: float | None = None  # with the processes that it has waited for


UNKNOWN = Usage()


class Measured(Protocol):
    """A Usage, or an Attempt."""

    exit_code: int | None
    peak_memory: int | None
    peak_is_shared: bool
    cpu_seconds: float | None


def of_exit(code: int) -> str:
    """How a process ended, as a clause. *code* is its exit code, or minus a signal's number."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown signal"
    return f"was killed by signal {-code} ({name})"


def end_of(attempt: Usage | Measured) -> str:
    """How the process of an attempt ended, as a sentence; empty if it did not end with it."""
    return "" if attempt.exit_code is None else f"Its process {of_exit(attempt.exit_code)}."


def amounts_of(attempt: Usage | Measured) -> str:
    """``peak memory 48 MiB · CPU 1.2 s``; empty when nothing is known."""
    found = []
    if attempt.peak_memory is not None:
        at_most = "at most " if attempt.peak_is_shared else ""
        found.append(f"peak memory {at_most}{size(attempt.peak_memory)}")
    if attempt.cpu_seconds is not None:
        found.append(f"CPU {duration(attempt.cpu_seconds)}")
    return " · ".join(found)


def words_of(attempt: Usage | Measured) -> str:
    """Both, on one line."""
    return " ".join(filter(None, (end_of(attempt), amounts_of(attempt))))


def size(count: int) -> str:
    """A number of bytes: ``512 KiB``, ``9.5 MiB``, ``48 MiB``."""
    number, unit = count / 1024, 0
    while round(number) >= 1024 and unit < len(UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return (
        f"{number:.1f} {UNITS[unit]}" if number < 9.95 and unit else f"{number:.0f} {UNITS[unit]}"
    )


def of_memory_error() -> str:
    """What a MemoryError in this process means, and what to do. As sentences."""
    limits = {name: resource.getrlimit(number)[0] for name, number in LIMITS.items()}
    tight = [
        f"{size(limit)} of {name}"
        for name, limit in limits.items()
        if limit != resource.RLIM_INFINITY
    ]
    happened = (
        "The step's process asked for more memory and was refused. The most that it has held is "
        f"{size(peak_memory())}."
    )
    if not tight:
        return f"{happened} Provide more memory, or let the step use less."
    return (
        f"{happened} It may have {' and '.join(tight)} (ulimit). Raise the limit where its worker "
        "is started, or let the step use less."
    )
