"""The engine's side of a slot, and of the attempt that it runs."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import math
import os
import socket
import termios
from dataclasses import dataclass, field
from typing import Any

from ..codes import Code, Fact
from ..logs import LineCutter, LogBook
from ..runner import Outcome, Task
from ..statuses import Verdict
from ..transitions import Claim

READ_BYTES = 256 * 1024


@dataclass(eq=False)
class Slot:
    """A process that runs steps, as its engine sees it."""

    conversation: socket.socket
    output: int  # the end of a pipe from which everything is read that the slot prints
    marker: bytes
    pid: int = 0  # once it is forked
    job_id: int | None = None  # the only job that it runs steps of
    running: Running | None = None
    is_dead: bool = False
    is_tainted: bool = False  # it was killed, or has to be
    has_hung_up: bool = False
    kill_at: float | None = None  # it was sent away, and should have ended by then
    _heard: bytes = field(default=b"", repr=False)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a task."""
        is_ending = self.is_dead or self.is_tainted or self.kill_at is not None
        return bool(self.pid) and self.running is None and not is_ending

    @property
    def is_spare(self) -> bool:
        """Whether it has run nothing yet."""
        return self.is_idle and self.job_id is None

    def tell(self, task: Task) -> None:
        self.conversation.setblocking(True)
        with contextlib.suppress(ConnectionError):  # it has just died: its exit will tell
            self.conversation.sendall(task.to_json().encode() + b"\n")
        self.conversation.setblocking(False)

    def messages(self) -> list[dict[str, Any]]:
        """What the slot has said since the last call; a slot that hung up says nothing."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while data := self.conversation.recv(READ_BYTES):
                self._heard += data
            self.has_hung_up = True
        *lines, self._heard = self._heard.split(b"\n")
        return [json.loads(line) for line in lines]

    def send_away(self, kill_at: float) -> None:
        """Let it close its connections and end."""
        self.kill_at = kill_at
        with contextlib.suppress(OSError):  # it has just died: its exit will tell
            self.conversation.shutdown(socket.SHUT_WR)

    def printed(self) -> bytes | None:
        """Some of what the slot has printed since the last call; None at the end of its output.

        Raises BlockingIOError when there is nothing for now.
        """
        return os.read(self.output, READ_BYTES) or None

    @property
    def unread(self) -> int:
        """How many bytes it has printed since ``printed`` was called."""
        size = array.array("i", [0])
        fcntl.ioctl(self.output, termios.FIONREAD, size)
        return size[0]

    def close(self) -> None:
        """Harmless to repeat."""
        if self.conversation.fileno() >= 0:
            self.conversation.close()
            os.close(self.output)


WORKER_STOPPED = Fact(Code.STEP_WORKER_STOPPED)


@dataclass
class Stop:
    """A slot was asked to end its attempt."""

    verdict: Verdict  # what the attempt becomes
    fact: Fact  # for the journal
    kill_at: float  # monotonic seconds


@dataclass(eq=False, kw_only=True)
class Running:
    """An attempt in a slot, until it is recorded how it ended."""

    slot: Slot
    claim: Claim
    book: LogBook
    cutter: LineCutter
    deadline: float | None  # monotonic seconds
    oom_kills: int | None  # the kernel's count when it started, where it can be read
    stop: Stop | None = None
    outcome: Outcome | None = None
    retry_at: float = 0.0  # when to try again to record it

    @property
    def due_at(self) -> float:
        """When it has to be asked to stop, or killed, in monotonic seconds."""
        if self.outcome:
            return math.inf
        if self.stop:
            return self.stop.kill_at
        return math.inf if self.deadline is None else self.deadline

    def add_output(self, data: bytes) -> None:
        for text, level in self.cutter.feed(data):
            self.book.add(text, level)

    def end_output(self) -> None:
        """Nothing more will be printed."""
        for text, level in self.cutter.end():
            self.book.add(text, level)
        self.book.close()

    @property
    def has_succeeded(self) -> bool:
        returned = self.outcome is not None and self.outcome.verdict is Verdict.RETURNED
        return returned and self.stop is None

    def ending(self, *, worker_stops: bool = False) -> Outcome:
        """How the attempt ended. One that was asked to stop first has stopped, whatever it says:
        its children were ended, so that what it returned means nothing.

        A service manager may tell every process at once when its worker is to stop.
        """
        assert self.outcome
        stop, has_stopped = self.stop, self.outcome.verdict is Verdict.STOPPED
        if stop is None and has_stopped and worker_stops:
            stop = Stop(Verdict.HANDED_BACK, WORKER_STOPPED, kill_at=0)
        if stop is None:
            return _stray(self.outcome) if has_stopped else self.outcome
        return Outcome(
            verdict=stop.verdict,
            fact=stop.fact,
            error=stop.fact.sentence,
            traceback=self.outcome.traceback,
        )


def _stray(outcome: Outcome) -> Outcome:
    """Only what somebody asked for is cancelled; a stray signal is a failure."""
    return Outcome(
        verdict=Verdict.FAILED,
        fact=Fact(Code.STEP_STRAY_SIGNAL),
        error="The step was stopped by SIGTERM, which its worker had not sent.",
        traceback=outcome.traceback,
    )
