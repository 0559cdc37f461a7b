"""Whether the kernel has killed a process because memory ran out.

Signal 9 does not show its sender. But the kernel counts the processes that its out-of-memory killer
ends, in each control group and on the whole host, before it sends the signal. The count does not
name the process, so the message says "probably".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROC = Path("/proc")
UNREADABLE = OSError, ValueError  # the latter where something other than Linux imitates its files
GROUP, HOST = "in the worker's control group", "on this host"


@dataclass(frozen=True)
class KillCounter:
    """The kernel's count of processes that it killed because memory ran out."""

    file: Path
    place: str  # where the killed processes ran

    def kills(self) -> int | None:
        """None when it cannot be read here."""
        with suppress(*UNREADABLE):
            for line in _lines(self.file):
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return None

    def explain(self, before: int | None) -> str:
        """A sentence about a signal 9, if there were only *before* kills earlier; else empty."""
        kills = self.kills()
        if before is None or kills is None or kills <= before:
            return ""
        return (
            f"While it ran, the kernel's out-of-memory killer ended a process {self.place}, "
            "probably this one. Provide more memory, or let the step use less."
        )


def kill_counter(proc: Path = PROC) -> KillCounter:
    """The counter of this process's control group if the kernel keeps one, else the host's.

    Older kernels keep it in fewer places, and the root of cgroup v2 has none.
    """
    counters = [KillCounter(file, GROUP) for file in _files_of_own_group(proc)]
    readable = (counter for counter in counters if counter.kills() is not None)
    return next(readable, KillCounter(proc / "vmstat", HOST))


def _files_of_own_group(proc: Path) -> Iterator[Path]:
    with suppress(*UNREADABLE):
        groups, mounts = _lines(proc / "self/cgroup"), _lines(proc / "self/mountinfo")
        for folder in _folders(groups, mounts, "cgroup2", ""):
            yield folder / "memory.events"
        for folder in _folders(groups, mounts, "cgroup", "memory"):
            yield folder / "memory.oom_control"


def _folders(
    groups: list[str], mounts: list[str], filesystem: str, controller: str
) -> Iterator[Path]:
    """Where the control group of this controller is mounted; v2 has one group without a name."""
    for group in _paths(groups, controller):
        for mount in mounts:
            here, _, what = mount.partition(" - ")
            root, point = here.split(" ")[3:5]
            kind, _, options = what.split(" ", 2)
            is_wanted = kind == filesystem and (not controller or controller in options.split(","))
            if is_wanted and group.is_relative_to(root):  # a container may see only a part
                yield Path(point) / group.relative_to(root)


def _paths(groups: list[str], controller: str) -> Iterator[PurePosixPath]:
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            yield PurePosixPath(path)


def _lines(file: Path) -> list[str]:
    """The lines of a file. A mount point may contain any byte but a newline."""
    return [line for line in os.fsdecode(file.read_bytes()).split("\n") if line]
