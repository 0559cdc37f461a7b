"""Processes: find what one has started, adopt orphans, send signals."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Container, Iterable

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 50
_C = ctypes.CDLL(None)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent dies (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Send this process the signal *how* when *parent*, which just forked it, dies (Linux)."""
    if how is not signal.SIGKILL:
        signal.signal(how, signal.SIG_DFL)  # the parent's handler makes no sense here
    _prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def reap_orphans(keep: Container[int]) -> None:
    """Reap ended children except *keep*: process 1 becomes the parent of every orphan."""
    with contextlib.suppress(ChildProcessError):
        while (
            ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        ) and ended.si_pid not in keep:
            os.waitpid(ended.si_pid, 0)


def terminate_tree(pid: int) -> None:
    """Send SIGTERM to a process, then to everything it started.

    The process comes first: it must not see a child end without knowing why.
    """
    for process in [*_itself(pid), *descendants(pid)]:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.send_signal(signal.SIGTERM)


def kill_tree(pid: int) -> None:
    """Send SIGKILL to a process and everything it started, however fast it forks."""
    kill_descendants(pid)
    for process in _itself(pid):
        _kill([process, *descendants(pid)])


def kill_descendants(pid: int, keep: Container[int] = ()) -> int:
    """Send SIGKILL to everything that a process started, except *keep*; return how many ended.

    A program of another user, started with sudo for instance, cannot be killed or counted.
    """
    killed: set[int] = set()
    refused: set[int] = set()
    for _ in range(_ROUNDS):
        found = (process for process in descendants(pid) if process.pid not in keep)
        alive = [process for process in found if process.pid not in refused]
        if not alive:
            break
        refused |= _kill(alive)
        killed.update(process.pid for process in alive)
    return len(killed - refused)


def kill_children(pid: int, keep: Container[int]) -> None:
    """Send SIGKILL to a process's own children, except *keep*, and to all that they started.

    What the children in *keep* have started is left alone.
    """
    if all(child in keep for child in children(pid)):
        return
    for child in psutil.Process(pid).children():
        if child.pid not in keep:
            kill_tree(child.pid)


def children(pid: int) -> list[int]:
    """The pids of a process's own children, zombies included.

    One may be missing while another one ends.
    """
    try:
        lists = [_children_of_thread(pid, thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except FileNotFoundError:  # the process has ended, or the kernel keeps no such lists
        return [child.pid for process in _itself(pid) for child in process.children()]
    return [int(child) for listed in lists for child in listed.split()]


def _children_of_thread(pid: int, thread: str) -> bytes:
    with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as children:
        return children.read()


def descendants(pid: int) -> list[psutil.Process]:
    """Everything that a process started and that still runs. Zombies do not run."""
    if not children(pid):  # the common case; scanning all processes takes much longer
        return []
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in found if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _itself(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Iterable[psutil.Process]) -> set[int]:
    """Send SIGKILL to each; return the pids of those that this process may not kill."""
    refused = set()
    for process in processes:
        try:
            process.kill()
        except psutil.AccessDenied:
            refused.add(process.pid)
        except psutil.NoSuchProcess:
            continue
    return refused


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        _C.prctl(option, value, 0, 0, 0)
