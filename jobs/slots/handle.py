"""The engine's side of a slot, and of the attempt that runs in it."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import math
import os
import secrets
import socket
import termios
import time
from dataclasses import dataclass, field
from typing import Any

from ..codes import Code, Fact
from ..exceptions import LostSecrets
from ..journal import Claim
from ..logs import LineCutter, LogBook
from ..redaction import Stream
from ..runner import Outcome, Task
from ..statuses import Verdict
from ..system.meter import Meter
from ..usage import UNKNOWN, Usage
from .forkserver import ForkServer

READ_BYTES = 256 * 1024
WORKER_STOPPED = Fact(Code.STEP_WORKER_STOPPED)


@dataclass(eq=False)
class SlotHandle:
    """A process that runs the steps of one job: the socket and the pipe to it, and its state."""

    conversation: socket.socket  # tasks to the slot; progress and outcomes from it
    output: int  # the end of a pipe with everything that the slot prints
    marker: bytes  # begins a log record in the output
    has_marker: bool = False  # the slot knows it
    pid: int = 0  # 0 until it is forked
    job_id: int | None = None  # the only job whose steps it runs
    attempt: RunningAttempt | None = None
    is_dead: bool = False
    is_unusable: bool = False  # it was killed, or has to be
    has_hung_up: bool = False
    meter: Meter = field(default_factory=Meter)
    kill_at: float | None = None  # it was dismissed, and should have ended by then
    _received: bytes = field(default=b"", repr=False)

    @classmethod
    def requested_from(cls, server: ForkServer) -> SlotHandle:
        """Ask the server to fork a slot; it has no pid until that is reported."""
        mine, theirs = socket.socketpair()
        read, write = os.pipe()
        os.set_blocking(read, False)
        server.request_slot(theirs, write)
        theirs.close()
        os.close(write)
        return cls(mine, read, marker=b"\x1e" + secrets.token_hex(8).encode())

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a task."""
        is_ending = self.is_dead or self.is_unusable or self.kill_at is not None
        return bool(self.pid) and self.attempt is None and not is_ending

    @property
    def is_spare(self) -> bool:
        """Whether it has not run anything yet."""
        return self.is_idle and self.job_id is None

    def send(self, task: Task) -> None:
        """Send a task, after the marker if it is the first one."""
        marker = b"" if self.has_marker else self.marker + b"\n"
        self.has_marker = True
        with contextlib.suppress(ConnectionError):  # it has just died; its exit is reported
            self.conversation.sendall(marker + task.to_lines())

    def messages(self) -> list[dict[str, Any]]:
        """The messages since the last call."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            is_more = True
            while is_more:
                data = self.conversation.recv(READ_BYTES, socket.MSG_DONTWAIT)
                self.has_hung_up = not data
                self._received += data
                is_more = len(data) == READ_BYTES
        *lines, self._received = self._received.split(b"\n")
        return [json.loads(line) for line in lines]

    def outcome_in(self, message: dict[str, Any]) -> Outcome:
        """How a step ended, with what the process used for it."""
        used = UNKNOWN
        if readings := message.get("used"):
            used = Usage(**self.meter.used(*readings)._asdict())
        return Outcome.from_json(message["outcome"], used)

    def dismiss(self, kill_at: float) -> None:
        """Let it close its connections and end, until *kill_at* in monotonic seconds."""
        self.kill_at = kill_at
        with contextlib.suppress(OSError):  # it has just died; its exit is reported
            self.conversation.shutdown(socket.SHUT_WR)

    def read_output(self) -> bytes | None:
        """Some of the output since the last call; None at its end.

        Raises BlockingIOError when there is none for now.
        """
        return os.read(self.output, READ_BYTES) or None

    @property
    def unread(self) -> int:
        """How many bytes of output wait to be read."""
        size = array.array("i", [0])
        fcntl.ioctl(self.output, termios.FIONREAD, size)
        return size[0]

    def close(self) -> None:
        """Safe to repeat."""
        if self.conversation.fileno() >= 0:
            self.conversation.close()
            os.close(self.output)


@dataclass
class Stop:
    """The attempt was asked to end."""

    verdict: Verdict  # what the attempt becomes
    fact: Fact  # for the journal
    kill_at: float  # monotonic seconds


@dataclass(eq=False, kw_only=True)
class RunningAttempt:
    """What an attempt has said and how it ended, until the engine has recorded it."""

    slot: SlotHandle
    claim: Claim
    book: LogBook
    cutter: LineCutter
    deadline: float | None  # of its time-out, in monotonic seconds
    hidden: Stream = field(default_factory=Stream)  # hides secrets in its output
    oom_kills: int | None  # the kernel's count when it started, where it can be read
    warn_at: float = field(init=False)  # when to note how long it runs, in monotonic seconds
    stop: Stop | None = None
    outcome: Outcome | None = None
    retry_at: float = 0.0  # when to try again to record its end; 0 before the first try

    def __post_init__(self) -> None:
        self.warn_at = time.monotonic() + (self.claim.warn_after or math.inf)

    @property
    def due_at(self) -> float:
        """When it has to be asked to stop, or killed, in monotonic seconds."""
        if self.outcome:
            return math.inf
        if self.stop:
            return self.stop.kill_at
        return math.inf if self.deadline is None else self.deadline

    def add_output(self, data: bytes) -> None:
        for text, level in self.cutter.feed(self.hidden.feed(data)):
            self.book.add(text, level)
        self.book.leave_open(self.cutter.open_line)

    def end_output(self) -> None:
        """Close the log: no more output can come."""
        rest = self.cutter.feed(self.hidden.end())
        for text, level in (*rest, *self.cutter.end()):
            self.book.add(text, level)
        self.book.leave_open("")
        self.book.close()

    @property
    def has_succeeded(self) -> bool:
        has_returned = self.outcome is not None and self.outcome.verdict is Verdict.RETURNED
        return has_returned and self.stop is None

    def ending(self, *, worker_stops: bool = False) -> Outcome:
        """How the attempt ended.

        If it was asked to stop, it has stopped, even if it returned a result: its children were
        killed, so the result means nothing. A service manager may send SIGTERM to all processes
        of a worker, so with *worker_stops* a SIGTERM of unknown origin is the worker's stop.
        """
        assert self.outcome
        stop, was_stopped = self.stop, self.outcome.verdict is Verdict.STOPPED
        if stop is None and was_stopped and worker_stops:
            stop = Stop(Verdict.HANDED_BACK, WORKER_STOPPED, kill_at=0)
        if stop is None:
            return _stray_signal(self.outcome) if was_stopped else self.outcome
        return Outcome(
            verdict=stop.verdict,
            fact=stop.fact,
            error=stop.fact.sentence,
            traceback=self.outcome.traceback,
            used=self.outcome.used,
        )


def _stray_signal(outcome: Outcome) -> Outcome:
    """A step is cancelled only on request. A signal that the worker did not send is a failure."""
    return Outcome(
        verdict=Verdict.FAILED,
        fact=Fact(Code.STEP_STRAY_SIGNAL),
        error="The step was stopped by SIGTERM, which its worker had not sent.",
        traceback=outcome.traceback,
        used=outcome.used,
    )


def hidden_in(task: Task) -> Stream:
    """Hides the secret parameters of a step in all that comes out of its process."""
    with contextlib.suppress(LostSecrets):  # the step cannot have them either, and fails
        return task.secrets().hide.stream()
    return Stream()
