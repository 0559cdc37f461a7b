"""The slots of one engine: it starts and ends them, hands them tasks, and hears what they say.

A slot runs steps of one job alone, and no other step after one that did not succeed. So that no
step has to wait for a fork, as many spares as may run side by side are forked ahead.

The pool knows no database. What an attempt said and how it ended is kept in its ``Running`` until
the engine has recorded it.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import conf
from ..codes import Code, Fact
from ..logs import LineCutter, LogBook
from ..runner import Outcome, Task
from ..statuses import Verdict
from ..system import processes
from ..transitions import Claim
from . import memory
from .forkserver import Birth, Exit, ForkServer
from .handle import Running, Slot, Stop

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

KILL_AGAIN_SECONDS = 1.0
LEAVE_SECONDS = 1.0  # for a slot whose job has ended, to close its connections
PAUSE_SECONDS = 1.0  # before another spare is forked, after one that died by itself


class Pool:
    """Make it before the process has threads or needs a database connection: it forks."""

    def __init__(self, size: int) -> None:
        self.attempts = 0
        self.waits_for_fork = 0  # of these attempts, those for which no spare was ready
        self._size = size
        self._server = ForkServer()
        self._slots: list[Slot] = []
        self._unborn: deque[Slot] = deque()
        self._refill_at = 0.0
        self._oom = memory.kill_counter()
        self._selector = selectors.DefaultSelector()
        self.listen_to(self._server, self._hear_server)

    def listen_to(self, source: FileDescriptorLike, hear: Callable[[], None]) -> None:
        """Call *hear* in ``listen`` whenever there is something to read from *source*."""
        self._selector.register(source, selectors.EVENT_READ, hear)

    def listen(self, seconds: float) -> None:
        """Wait until anything is to be read, *seconds* at most, and hear all of it."""
        self._send_away_idle()
        self._refill()
        for key, _ in self._selector.select(seconds):
            key.data()

    def hold(self, lock: int) -> None:
        """Nobody finds the lock free before every slot is gone."""
        self._server.hold(lock)

    def beat(self) -> None:
        """The engine lives; without a beat for a lease, its slots are killed."""
        self._server.beat()

    def close(self) -> None:
        """End every slot and all that they started; harmless to repeat.

        How attempts ended can still be asked.
        """
        self._server.close()
        self._selector.close()
        for slot in self._slots:
            slot.close()

    @property
    def spares(self) -> list[Slot]:
        """Slots that were forked ahead, and have run nothing yet."""
        return [slot for slot in self._slots if slot.is_spare]

    # -- attempts

    @property
    def running(self) -> list[Running]:
        return [slot.running for slot in self._slots if slot.running]

    def run(self, claim: Claim, task: Task) -> Running:
        """Hand a claimed step to a slot that has run steps of this job alone, or none."""
        slot = self._slot_for(claim.job_id)
        knobs = conf.knobs()
        slot.running = Running(
            slot=slot,
            claim=claim,
            book=LogBook(claim, knobs.log_bytes),
            cutter=LineCutter(slot.marker, knobs.line_bytes),
            deadline=time.monotonic() + claim.timeout if claim.timeout else None,
            oom_kills=self._oom.kills(),
        )
        slot.tell(task)
        return slot.running

    def ask_to_stop(self, running: Running, verdict: Verdict, fact: Fact) -> None:
        """TERM for the step and everything it started; KILL follows after the grace."""
        self._hear(running.slot)  # it may have returned already
        if running.outcome is None:
            running.stop = Stop(verdict, fact, time.monotonic() + conf.knobs().grace)
            processes.terminate_tree(running.slot.pid)

    def enforce_deadlines(self, *, is_urgent: bool) -> None:
        """Ask what takes too long to stop, and kill what was asked to; at once when *is_urgent*."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.kill_at is not None and now >= slot.kill_at:
                self._kill(slot)
        for running in self.running:
            if running.outcome is None:
                self._enforce_deadline(running, now, is_urgent)

    def _enforce_deadline(self, running: Running, now: float, is_urgent: bool) -> None:
        stop = running.stop
        if stop and (is_urgent or now >= stop.kill_at):
            stop.kill_at = now + KILL_AGAIN_SECONDS
            processes.kill_tree(running.slot.pid)
        elif running.deadline and now >= running.deadline and not stop:
            assert running.claim.timeout
            timed_out = Fact(Code.STEP_TIMED_OUT, {"timeout": running.claim.timeout})
            self.ask_to_stop(running, Verdict.TIMED_OUT, timed_out)

    @property
    def due_at(self) -> float:
        """When there will be something to enforce, or to fork, in monotonic seconds."""
        attempts = (running.due_at for running in self.running)
        leaving = (slot.kill_at for slot in self._slots if slot.kill_at is not None)
        refill = self._refill_at if self._missing else math.inf
        return min([*attempts, *leaving, refill])

    def spoil(self, running: Running) -> None:
        """End its slot and all that runs in it; the slot is not used again."""
        running.slot.is_tainted = True
        processes.kill_tree(running.slot.pid)

    def read_to_the_end(self, running: Running) -> None:
        """Put everything that the ended attempt has printed into its log."""
        self._read_output(running.slot, running.slot.unread)
        running.end_output()

    def release(self, running: Running) -> None:
        """The attempt is over and done with: its slot may run the job's next step, or ends."""
        slot, slot.running = running.slot, None
        if slot.is_dead:
            self._forget(slot)
        elif slot.is_tainted or not running.has_succeeded:  # it may be in any state
            self._kill(slot)

    # -- slots

    def _slot_for(self, job_id: int) -> Slot:
        self.attempts += 1
        idle = [slot for slot in self._slots if slot.is_idle]
        slot = next((slot for slot in idle if slot.job_id == job_id), None) or self._spare()
        slot.job_id = job_id
        return slot

    def _spare(self) -> Slot:
        if not self.spares:
            self.waits_for_fork += 1
            self._fork()
        while not self.spares:
            self._hear_server()
        return self.spares[0]

    def _refill(self) -> None:
        """Have spares forked while steps run, not when one needs them."""
        if time.monotonic() >= self._refill_at:
            for _ in range(self._missing):
                self._fork()

    @property
    def _missing(self) -> int:
        """How many spares there should be, and are not even asked for."""
        return max(0, self._size - len(self.spares) - len(self._unborn))

    def _fork(self) -> None:
        mine, theirs = socket.socketpair()
        read, write = os.pipe()
        os.set_blocking(read, False)
        self._server.ask_for_slot(theirs, write)
        theirs.close()
        os.close(write)
        marker = b"\x1e" + secrets.token_hex(8).encode()
        mine.sendall(marker + b"\n")
        mine.setblocking(False)
        slot = Slot(conversation=mine, output=read, marker=marker)
        self._slots.append(slot)
        self._unborn.append(slot)
        self.listen_to(mine, lambda: self._hear(slot))
        self.listen_to(read, lambda: self._read_output(slot))

    def _send_away_idle(self) -> None:
        """A slot ends with its job: once nothing of that runs here any more."""
        kept = {None, *(running.claim.job_id for running in self.running)}
        for slot in self._slots:
            if slot.is_idle and slot.job_id not in kept:
                slot.send_away(kill_at=time.monotonic() + LEAVE_SECONDS)

    def _kill(self, slot: Slot) -> None:
        slot.kill_at = time.monotonic() + KILL_AGAIN_SECONDS
        processes.kill_tree(slot.pid)

    # -- hearing what they say

    def _read_output(self, slot: Slot, at_least: int = 1) -> None:
        """Read so many bytes, where they are there: until none are left may be for ever."""
        while at_least > 0 and slot in self._slots:  # else it was forgotten in this very turn
            try:
                data = slot.printed()
            except BlockingIOError:
                return
            if data is None:
                self._unwatch(slot.output)
                return
            if slot.running:
                slot.running.add_output(data)
            at_least -= len(data)

    def _hear(self, slot: Slot) -> None:
        if slot not in self._slots:  # it was forgotten in this very turn
            return
        messages = slot.messages()
        if slot.has_hung_up:  # its exit will tell; watching on would only spin
            self._unwatch(slot.conversation)
        for message in messages:
            if running := slot.running:
                if "progress" in message:
                    running.book.progress(*message["progress"])
                if "outcome" in message:
                    running.outcome = Outcome.from_json(message["outcome"])
                    self._end_leftovers(running, message["left"])

    def _end_leftovers(self, running: Running, left: dict[str, Any]) -> None:
        if left["has_processes"]:
            self._end_children(running, keep=left["helpers"])
        if left["is_spoilt"]:
            self.spoil(running)

    def _end_children(self, running: Running, keep: list[int]) -> None:
        count = processes.kill_descendants(running.slot.pid, keep)
        if count:
            self._read_output(running.slot, running.slot.unread)
            running.book.add(f"The step left {count} process(es) running; they were ended.", "w")

    def _hear_server(self) -> None:
        for news in self._server.news():
            if isinstance(news, Birth):
                self._unborn.popleft().pid = news.pid
            else:
                self._bury(news)

    def _bury(self, exit_: Exit) -> None:
        """A slot has ended, asked or not."""
        slot = next(slot for slot in self._slots if slot.pid == exit_.pid)
        if slot.is_spare:
            self._refill_at = time.monotonic() + PAUSE_SECONDS
        self._hear(slot)
        slot.is_dead = True
        if slot.running is None:
            self._forget(slot)
        elif slot.running.outcome is None:
            slot.running.outcome = self._early_end(exit_, slot.running)

    def _early_end(self, exit_: Exit, running: Running) -> Outcome:
        """A slot ended before its step returned."""
        if exit_.by_server:
            return Outcome(verdict=Verdict.INTERRUPTED, fact=Fact(Code.STEP_WORKER_SILENT))
        error = f"The step's process {_death(exit_.code)} before the step returned."
        if exit_.code == -signal.SIGKILL:
            error = f"{error} {self._oom.explain(running.oom_kills)}".rstrip()
        died = Fact(Code.STEP_PROCESS_DIED, {"exit_code": exit_.code})
        return Outcome(verdict=Verdict.DIED, fact=died, error=error)

    def _forget(self, slot: Slot) -> None:
        self._unwatch(slot.conversation)
        self._unwatch(slot.output)
        slot.close()
        self._slots.remove(slot)

    def _unwatch(self, watched: socket.socket | int) -> None:
        """Nothing more comes from it; harmless to repeat."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(watched)


def _death(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown signal"
    return f"was killed by signal {-code} ({name})"
