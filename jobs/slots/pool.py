"""The slots of one engine: starts and ends them, sends them tasks, and reads their answers.

A slot runs steps of one job only, and no further step after one that did not succeed. So that no
step has to wait for a fork, as many spare slots as may run side by side are forked ahead.

The pool knows no database. The output and the end of an attempt stay in its ``RunningAttempt``
until the driver has recorded them.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import conf
from ..codes import Code, Fact
from ..journal import Claim
from ..logs import LineCutter, LogBook
from ..runner import Outcome, Task
from ..statuses import Verdict
from ..system import processes
from ..usage import Usage, of_exit
from . import memory
from .forkserver import Exit, Fork, ForkServer
from .handle import RunningAttempt, SlotHandle, Stop, hidden_in

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

KILL_AGAIN_SECONDS = 1.0
LEAVE_SECONDS = 1.0  # for a slot whose job has ended, to close its connections
REFILL_PAUSE_SECONDS = 1.0  # before the next fork, after a spare slot died


class Pool:
    """Make it before the process has threads or needs a database connection: it forks."""

    def __init__(self, size: int) -> None:
        self.attempts = self.waits_for_fork = 0  # of these, those for which no spare was ready
        self._size = size
        self._server = ForkServer()
        self._slots: list[SlotHandle] = []
        self._requested: deque[SlotHandle] = deque()  # not forked yet
        self._refill_at = 0.0
        self._oom = memory.kill_counter()
        self._selector = selectors.DefaultSelector()
        self.listen_to(self._server, self._read_server)
        self._refill()  # now: a worker claims as soon as it is registered

    def listen_to(self, source: FileDescriptorLike, hear: Callable[[], None]) -> None:
        """Call *hear* in ``listen`` whenever there is something to read from *source*."""
        self._selector.register(source, selectors.EVENT_READ, hear)

    def listen(self, seconds: float) -> None:
        """Wait until there is something to read, *seconds* at most, and read all of it."""
        self._dismiss_idle()
        self._refill()
        for key, _ in self._selector.select(seconds):
            key.data()

    def hold(self, lock: int) -> None:
        """Keep the lock held until every slot is gone."""
        self._server.hold(lock)

    def beat(self) -> None:
        """The engine is alive; without a heartbeat for a lease, its slots are killed."""
        self._server.beat()

    def close(self) -> None:
        """End every slot and all that they started. Safe to repeat.

        The attempts can still be read.
        """
        self._server.close()
        self._selector.close()
        for slot in self._slots:
            slot.close()

    @property
    def spares(self) -> list[SlotHandle]:
        """Slots that were forked ahead and have not run anything yet."""
        return [slot for slot in self._slots if slot.is_spare]

    # -- attempts

    @property
    def running(self) -> list[RunningAttempt]:
        return [slot.attempt for slot in self._slots if slot.attempt]

    def run(self, claim: Claim, task: Task) -> RunningAttempt:
        """Run a claimed step in a slot that has run steps of this job only, or none."""
        slot = self._slot_for(claim.job_id)
        knobs = conf.knobs()
        slot.attempt = RunningAttempt(
            slot=slot,
            claim=claim,
            book=LogBook(claim, knobs.log_bytes),
            cutter=LineCutter(slot.marker, knobs.line_bytes),
            deadline=time.monotonic() + claim.timeout if claim.timeout else None,
            hidden=hidden_in(task),
            oom_kills=self._oom.kills(),
        )
        slot.send(task)
        self._refill()  # now: the engine may write for a while before it listens again
        return slot.attempt

    def ask_to_stop(self, attempt: RunningAttempt, verdict: Verdict, fact: Fact) -> None:
        """Send SIGTERM to the step and everything it started; SIGKILL follows after the grace."""
        self._read_messages(attempt.slot)  # it may have returned already
        if attempt.outcome is None:
            attempt.stop = Stop(verdict, fact, time.monotonic() + conf.knobs().grace)
            processes.terminate_tree(attempt.slot.pid)

    def enforce_deadlines(self, *, is_urgent: bool) -> None:
        """Ask what takes too long to stop, and kill what did not, with *is_urgent* immediately."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.kill_at is not None and now >= slot.kill_at:
                self._kill(slot)
        for attempt in self.running:
            if attempt.outcome is None:
                self._enforce_deadline(attempt, now, is_urgent)

    def _enforce_deadline(self, attempt: RunningAttempt, now: float, is_urgent: bool) -> None:
        stop = attempt.stop
        if stop and (is_urgent or now >= stop.kill_at):
            stop.kill_at = now + KILL_AGAIN_SECONDS
            processes.kill_tree(attempt.slot.pid)
        elif attempt.deadline and now >= attempt.deadline and not stop:
            assert attempt.claim.timeout
            timed_out = Fact(Code.STEP_TIMED_OUT, {"timeout": attempt.claim.timeout})
            self.ask_to_stop(attempt, Verdict.TIMED_OUT, timed_out)

    @property
    def due_at(self) -> float:
        """When there is something to enforce or to fork, in monotonic seconds."""
        attempts = (attempt.due_at for attempt in self.running)
        leaving = (slot.kill_at for slot in self._slots if slot.kill_at is not None)
        refill = self._refill_at if self._missing else math.inf
        return min([*attempts, *leaving, refill])

    def discard(self, attempt: RunningAttempt) -> None:
        """Kill the attempt's slot and everything in it; the slot is not used again."""
        attempt.slot.is_unusable = True
        processes.kill_tree(attempt.slot.pid)

    def read_to_the_end(self, attempt: RunningAttempt) -> None:
        """Put everything that the ended attempt has printed into its log."""
        self._read_output(attempt.slot, attempt.slot.unread)
        attempt.end_output()

    def release(self, attempt: RunningAttempt) -> None:
        """The attempt is recorded: its slot may run the job's next step, or ends."""
        slot, slot.attempt = attempt.slot, None
        if slot.is_dead:
            self._remove(slot)
        elif slot.is_unusable or not attempt.has_succeeded:  # it may be in any state
            self._kill(slot)

    # -- slots

    def _slot_for(self, job_id: int) -> SlotHandle:
        self.attempts += 1
        idle = [slot for slot in self._slots if slot.is_idle]
        slot = next((slot for slot in idle if slot.job_id == job_id), None) or self._take_spare()
        slot.job_id = job_id
        return slot

    def _take_spare(self) -> SlotHandle:
        while not self.spares and self._server.has_events():
            self._read_server()
        if not self.spares:
            self.waits_for_fork += 1
            if not self._requested:
                self._fork()
        while not self.spares:
            self._read_server()
        return self.spares[0]

    def _refill(self) -> None:
        """Have spare slots forked while steps run, not when a step needs one."""
        if time.monotonic() >= self._refill_at:
            for _ in range(self._missing):
                self._fork()

    @property
    def _missing(self) -> int:
        """How many spare slots are missing and not requested yet."""
        return max(0, self._size - len(self.spares) - len(self._requested))

    def _fork(self) -> None:
        slot = SlotHandle.requested_from(self._server)
        self._slots.append(slot)
        self._requested.append(slot)
        self.listen_to(slot.conversation, lambda: self._read_messages(slot))
        self.listen_to(slot.output, lambda: self._read_output(slot))

    def _dismiss_idle(self) -> None:
        """A slot ends with its job, once no step of that job runs here any more."""
        kept = {None, *(attempt.claim.job_id for attempt in self.running)}
        for slot in self._slots:
            if slot.is_idle and slot.job_id not in kept:
                slot.dismiss(kill_at=time.monotonic() + LEAVE_SECONDS)

    def _kill(self, slot: SlotHandle) -> None:
        slot.kill_at = time.monotonic() + KILL_AGAIN_SECONDS
        processes.kill_tree(slot.pid)

    # -- reading what they send

    def _read_output(self, slot: SlotHandle, at_least: int = 1) -> None:
        """Read so many bytes if they are there. To read until nothing is left may never end."""
        while at_least > 0 and slot in self._slots:  # it may have been removed in this turn
            try:
                data = slot.read_output()
            except BlockingIOError:
                return
            if data is None:
                self._unwatch(slot.output)
                return
            if slot.attempt:
                slot.attempt.add_output(data)
            at_least -= len(data)

    def _read_messages(self, slot: SlotHandle) -> None:
        if slot not in self._slots:  # it was removed in this turn
            return
        messages = slot.messages()
        if slot.has_hung_up:  # its exit is reported; until then the selector would spin
            self._unwatch(slot.conversation)
        for message in messages:
            if attempt := slot.attempt:
                if "progress" in message:
                    attempt.book.progress(*message["progress"])
                if "outcome" in message:
                    attempt.outcome = slot.outcome_in(message)
                    self._end_leftovers(attempt, message["left"])

    def _end_leftovers(self, attempt: RunningAttempt, left: dict[str, Any]) -> None:
        if left["has_processes"]:
            self._end_children(attempt, keep=left["helpers"])
        if left["is_unusable"]:
            self.discard(attempt)
        if left["ends"]:  # by itself
            attempt.slot.kill_at = time.monotonic() + LEAVE_SECONDS

    def _end_children(self, attempt: RunningAttempt, keep: list[int]) -> None:
        count = processes.kill_descendants(attempt.slot.pid, keep)
        if count:
            self._read_output(attempt.slot, attempt.slot.unread)
            attempt.book.add(f"The step left {count} process(es) running; they were ended.", "w")

    def _read_server(self) -> None:
        for event in self._server.events():
            if isinstance(event, Fork):
                self._requested.popleft().pid = event.pid
            else:
                self._slot_ended(event)

    def _slot_ended(self, exit_: Exit) -> None:
        slot = next(slot for slot in self._slots if slot.pid == exit_.pid)
        if slot.is_spare:
            self._refill_at = time.monotonic() + REFILL_PAUSE_SECONDS
        self._read_messages(slot)
        slot.is_dead, slot.kill_at = True, None
        if slot.attempt is None:
            self._remove(slot)
        elif slot.attempt.outcome is None:
            slot.attempt.outcome = self._early_end(exit_, slot.attempt)

    def _early_end(self, exit_: Exit, attempt: RunningAttempt) -> Outcome:
        """The slot ended before its step returned."""
        spent = attempt.slot.meter.used_to_death(exit_.peak, exit_.cpu)
        used = Usage(exit_code=exit_.code, **spent._asdict())
        if exit_.by_server:
            silent = Fact(Code.STEP_WORKER_SILENT)
            return Outcome(verdict=Verdict.INTERRUPTED, fact=silent, used=used)
        error = f"The step's process {of_exit(exit_.code)} before the step returned."
        if exit_.code == -signal.SIGKILL:
            error = f"{error} {self._oom.explain(attempt.oom_kills)}".rstrip()
        died = Fact(Code.STEP_PROCESS_DIED, {"exit_code": exit_.code})
        return Outcome(verdict=Verdict.DIED, fact=died, error=error, used=used)

    def _remove(self, slot: SlotHandle) -> None:
        self._unwatch(slot.conversation)
        self._unwatch(slot.output)
        slot.close()
        self._slots.remove(slot)

    def _unwatch(self, watched: socket.socket | int) -> None:
        """Stop listening to it. Safe to repeat."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(watched)
