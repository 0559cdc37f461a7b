"""Truestep's own worker: one process that claims steps and runs them in killable slots.

The worker never runs a step itself. It beats, reads what its slots say, is the only writer of
their rows, and kills what has to stop; a step that hogs the processor or hangs in C delays none of
that. One thread, one loop: every turn looks at everything that can happen.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import conf, database, definitions, orchestrator, triggers, workers
from ..exceptions import DeclaredDead, NotReady, Overtaken
from ..logs import LineCutter, LogBook
from ..models import Job
from ..orchestrator import Desk
from ..recovery import Sweep
from ..runner import Limits, Outcome, Task
from ..statuses import Verdict
from ..transitions import Claim
from . import processes
from .base import Engine, WorkerProcess
from .forkserver import Exit, ForkServer

logger = logging.getLogger(__name__)

TURN_SECONDS = 0.01  # how long a turn waits for a slot to speak; also the poll for commits
FLUSH_SECONDS = 0.1  # log lines and progress are written this often
SWEEP_SECONDS = 0.4  # a worker of this host that was killed is noticed within a second
PATIENCE_SECONDS = 2.0  # for the database: the loop must go on
RETRY_SECONDS = 1.0  # after the database could not be used
READ_BYTES = 256 * 1024


class EmbeddedEngine(Engine):
    def worker(self, slots: int) -> EmbeddedWorker:
        return EmbeddedWorker(slots)


@dataclass
class Stop:
    """A slot was asked to end its attempt."""

    verdict: Verdict  # what the attempt becomes
    reason: str
    kill_at: float  # monotonic seconds


@dataclass
class Slot:
    """The worker's side of a slot, and the attempt that it runs."""

    pid: int
    conversation: socket.socket
    output: int
    marker: bytes
    claim: Claim | None = None
    book: LogBook | None = None
    cutter: LineCutter | None = None
    deadline: float | None = None
    stop: Stop | None = None
    outcome: Outcome | None = None
    retry_at: float = 0.0
    dead: bool = False
    hung_up: bool = False
    is_tainted: bool = False  # it was killed, or has to be
    _heard: bytes = field(default=b"", repr=False)

    @property
    def is_free(self) -> bool:
        return self.claim is None and not self.dead

    def messages(self) -> list[dict[str, Any]]:
        """What the slot has said since the last call; a slot that hung up says nothing."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while data := self.conversation.recv(READ_BYTES):
                self._heard += data
            self.hung_up = True
        *lines, self._heard = self._heard.split(b"\n")
        return [json.loads(line) for line in lines]


class EmbeddedWorker(WorkerProcess):
    def __init__(self, slots: int) -> None:
        self._size = slots
        self._server = ForkServer()
        self._slots: list[Slot] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ, self._bury)
        self._watch = database.watch_commits()
        self._stopping = self._killing = False
        self._look_again = True
        self._next_flush = self._next_beat = self._next_sweep = self._rest_until = 0.0

    # -- the life of a worker

    def run(
        self, *, only_job: int | None = None, until: Callable[[], bool] = lambda: False
    ) -> None:
        try:
            triggers.require_ready()
        except NotReady:
            self._server.close()
            raise
        database.be_patient(PATIENCE_SECONDS)
        self._only_job = only_job
        self._sign_on()
        try:
            while not (self._stopping or until()):
                self._turn()
            self._drain()
        except BaseException as error:
            self._abandon(error)
            raise
        finally:
            self._server.close()
            self._watch.close()
            self._sign_off()

    def _sign_on(self) -> None:
        knows = definitions.known_steps()
        self._post = workers.sign_on(slots=self._size, knows=knows, only_job=self._only_job)
        self._desk = Desk(worker=self._post.worker, knows=knows)
        self._sweep = Sweep(self._desk)
        self._server.hold(self._post.lock)
        self._server.beat()

    def _sign_off(self) -> None:
        try:
            self._post.sign_off()
        except database.TROUBLE as error:  # whoever sweeps next finds the lock free
            logger.warning("The worker could not sign off: %s", error)
            self._post.abandon()

    def stop(self) -> None:
        self._stopping = True

    def wake(self) -> None:
        self._look_again = True  # the watch does not see this process's own commits

    def kill(self) -> None:
        self._killing = True

    def _turn(self) -> None:
        self._stop_when_silent()
        self._listen()
        self._enforce_deadlines()
        if time.monotonic() < self._rest_until:
            return
        try:
            database.mend()
            try:
                self._use_database()
            except DeclaredDead as error:
                logger.warning("%s It ends what it runs and begins anew.", error)
                self._begin_anew()
        except database.TROUBLE as error:
            logger.warning("The worker tries again: %s", database.explain(error))
            self._look_again = True
            self._next_beat = 0.0  # first see whether the database still knows this worker
            self._rest_until = time.monotonic() + RETRY_SECONDS

    def _use_database(self) -> None:
        """What a turn reads and writes. When one statement waits in vain, the others are not tried:
        time-outs and signals are not to wait for the sum of it all.
        """
        self._beat()
        self._write_logs()
        self._record_outcomes()
        if self._watch.changed() or self._look_again:
            self._look_again = False
            self._stop_cancelled()
            self._claim()
        self._look_for_the_lost()

    def _drain(self) -> None:
        """The worker stops: its steps may end by themselves for a while. What then still runs is
        stopped, and goes back to be run elsewhere; that is charged to no step.
        """
        self._stopping = True
        until = time.monotonic() + conf.knobs().drain
        while self._busy() and not self._killing and time.monotonic() < until:
            self._turn()
        for slot in self._busy():
            if not slot.stop:
                self._ask_to_stop(slot, Verdict.HANDED_BACK, "its worker stopped")
        given_up_at = time.monotonic() + conf.knobs().grace + conf.knobs().lease
        while self._busy() and not self._gives_up(given_up_at):
            self._turn()

    def _gives_up(self, at: float) -> bool:
        """Whether only the database keeps the worker from stopping, and that for long enough."""
        now = time.monotonic()
        rests = now < self._rest_until
        waits = all(slot.outcome and (rests or slot.retry_at) for slot in self._busy())
        is_over = waits and (self._killing or now >= at)
        if is_over:
            logger.warning("The worker stops without having recorded how its steps ended.")
        return is_over

    def _abandon(self, error: BaseException) -> None:
        """The worker breaks: end its steps, and say so as far as that still works."""
        self._server.close()
        outcome = Outcome(
            verdict=Verdict.LOST,
            reason=f"its worker broke: {type(error).__name__}",
            error=f"The worker broke, and the step ended with it: {error}",
        )
        for slot in self._busy():
            assert slot.claim
            with contextlib.suppress(Exception):
                orchestrator.finish(self._desk, slot.claim, outcome, room=0)

    def _busy(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.claim]

    # -- finding work

    def _claim(self) -> None:
        while not (self._stopping or self._post.must_stop) and (room := self._room()):
            try:
                claims = orchestrator.claim(self._desk, room)
            except Overtaken:
                continue
            if not claims:
                return
            for claim in claims:
                self._give(claim)  # what fails here is handed back by the next sweep

    def _room(self) -> int:
        return self._size - len(self._busy())

    def _give(self, claim: Claim) -> None:
        """Hand a claimed step to a slot."""
        slot = next((slot for slot in self._slots if slot.is_free), None) or self._new_slot()
        state = self._desk.jobs[claim.job_id]
        knobs = conf.knobs()
        task = Task(
            definition=state.job.definition,
            step=claim.name,
            attempt=claim.attempt,
            params=state.job.params,
            results=orchestrator.results_for(state, claim.step_id),
            idempotency_key=f"{state.job.uuid}:{claim.name}",
            limits=Limits(error_bytes=knobs.error_bytes, result_bytes=knobs.result_bytes),
        )
        slot.claim = claim
        slot.book = LogBook(claim, knobs.log_bytes)
        slot.cutter = LineCutter(slot.marker, knobs.line_bytes)
        slot.deadline = time.monotonic() + claim.timeout if claim.timeout else None
        slot.conversation.setblocking(True)
        with contextlib.suppress(ConnectionError):  # it has just died: its exit will tell
            slot.conversation.sendall(task.to_json().encode() + b"\n")
        slot.conversation.setblocking(False)

    def _new_slot(self) -> Slot:
        mine, theirs = socket.socketpair()
        read, write = os.pipe()
        os.set_blocking(read, False)
        pid = self._server.spawn(theirs, write)
        theirs.close()
        os.close(write)
        marker = b"\x1e" + secrets.token_hex(8).encode()
        mine.sendall(marker + b"\n")
        mine.setblocking(False)
        slot = Slot(pid=pid, conversation=mine, output=read, marker=marker)
        self._slots.append(slot)
        self._selector.register(mine, selectors.EVENT_READ, lambda: self._hear(slot))
        self._selector.register(read, selectors.EVENT_READ, lambda: self._read_output(slot))
        return slot

    # -- listening to slots

    def _listen(self) -> None:
        for key, _ in self._selector.select(TURN_SECONDS):
            key.data()
        if self._server.has_exits:
            self._bury()

    def _read_output(self, slot: Slot, everything: bool = False) -> None:
        while slot in self._slots:  # else it was forgotten in this very turn
            try:
                data = os.read(slot.output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._unwatch(slot.output)
                return
            if slot.cutter and slot.book:
                for text, level in slot.cutter.feed(data):
                    slot.book.add(text, level)
            if not everything:
                return

    def _hear(self, slot: Slot) -> None:
        if slot not in self._slots:  # it was forgotten in this very turn
            return
        messages = slot.messages()
        if slot.hung_up:  # its exit will tell; watching on would only spin
            self._unwatch(slot.conversation)
        for message in messages:
            if "progress" in message and slot.book:
                slot.book.progress(*message["progress"])
            if "outcome" in message and slot.claim:
                slot.outcome = Outcome.from_json(message["outcome"])
                if message["left"]["processes"]:
                    self._end_leftovers(slot)
                if message["left"]["threads"]:  # they may print without end
                    self._spoil(slot)

    def _spoil(self, slot: Slot) -> None:
        """End the slot and all that runs in it; it is not used again."""
        slot.is_tainted = True
        processes.kill_tree(slot.pid)

    def _end_leftovers(self, slot: Slot) -> None:
        count = processes.kill_descendants(slot.pid)
        if count and slot.book:
            self._read_output(slot, everything=True)
            slot.book.add(f"The step left {count} process(es) running; they were ended.", "w")

    def _bury(self) -> None:
        """Slots have ended, asked or not."""
        for exit_ in self._server.exits():
            slot = next((slot for slot in self._slots if slot.pid == exit_.pid), None)
            if slot is None:
                continue
            self._hear(slot)
            slot.dead = True
            if slot.claim and slot.outcome is None:
                slot.outcome = _early_end(exit_)
            if slot.claim is None:
                self._forget(slot)

    def _forget(self, slot: Slot) -> None:
        self._unwatch(slot.conversation)
        self._unwatch(slot.output)
        slot.conversation.close()
        os.close(slot.output)
        self._slots.remove(slot)

    def _unwatch(self, watched: socket.socket | int) -> None:
        """Nothing more comes from it; harmless to repeat."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(watched)

    # -- stopping steps

    def _stop_cancelled(self) -> None:
        running = {slot.claim.job_id for slot in self._slots if slot.claim and not slot.stop}
        if not running:
            return
        cancelled = Job.objects.filter(pk__in=running, cancel_requested=True)
        for job_id in cancelled.values_list("pk", flat=True):
            for slot in self._busy():
                if slot.claim and slot.claim.job_id == job_id and not slot.stop:
                    self._ask_to_stop(slot, Verdict.STOPPED, "cancelled while it ran")

    def _stop_when_silent(self) -> None:
        """Others may soon take this worker for dead, and begin its steps anew: end them first."""
        if not self._post.must_stop:
            return
        reason = f"its worker could show no sign of life for {self._post.silence:.0f} s"
        for slot in self._busy():
            if slot.outcome is None and not (slot.stop and slot.stop.kill_at == 0):
                slot.stop = Stop(Verdict.HANDED_BACK, reason, kill_at=0)

    def _begin_anew(self) -> None:
        """This worker was declared dead: end what it runs, and sign on as another one."""
        reason = "its worker was taken for dead, and began anew"
        for slot in self._busy():
            self._spoil(slot)
            slot.outcome = slot.outcome or Outcome(verdict=Verdict.HANDED_BACK, reason=reason)
        self._record_outcomes()
        before, jobs = self._post, self._desk.jobs
        self._sign_on()
        self._desk.jobs = jobs  # some ends may still have to be recorded
        before.abandon()

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for slot in self._busy():
            if slot.outcome:
                continue
            if slot.stop and (self._killing or now >= slot.stop.kill_at):
                slot.stop.kill_at = now + 1.0
                processes.kill_tree(slot.pid)
            elif slot.deadline and now >= slot.deadline and not slot.stop and slot.claim:
                self._ask_to_stop(
                    slot, Verdict.TIMED_OUT, f"timed out after {slot.claim.timeout:g} s"
                )

    def _ask_to_stop(self, slot: Slot, verdict: Verdict, reason: str) -> None:
        """TERM for the step and everything it started; KILL follows after the grace."""
        self._hear(slot)  # it may have returned already
        if slot.outcome is None:
            slot.stop = Stop(verdict, reason, time.monotonic() + conf.knobs().grace)
            processes.terminate_tree(slot.pid)

    # -- writing down

    def _write_logs(self) -> None:
        now = time.monotonic()
        due = now >= self._next_flush
        if due:
            self._next_flush = now + FLUSH_SECONDS
        for slot in self._busy():
            if slot.book and (due or slot.book.is_full):
                self._write_log(slot)

    def _write_log(self, slot: Slot) -> None:
        try:
            if slot.book:
                slot.book.write()
        except Overtaken:
            self._lose(slot)
        except database.TROUBLE as error:
            if database.is_waited_for(error):
                raise
            logger.warning("Log lines wait: %s", database.explain(error))
            self._next_flush = time.monotonic() + RETRY_SECONDS

    def _record_outcomes(self) -> None:
        now = time.monotonic()
        for slot in self._busy():
            if slot.outcome and now >= slot.retry_at:
                self._record(slot)

    def _record(self, slot: Slot) -> None:
        """The last lines first, then how the attempt ended; then the slot is free again."""
        claim, book, cutter = slot.claim, slot.book, slot.cutter
        assert claim and book and cutter and slot.outcome
        self._read_output(slot, everything=True)
        for text, level in cutter.end():
            book.add(text, level)
        book.close()
        outcome = _with_stop(slot.outcome, slot.stop)
        room = 0 if self._stopping else self._room() + 1
        try:
            book.write()
            claims = orchestrator.finish(self._desk, claim, outcome, room)
        except Overtaken:
            self._lose(slot)
            return
        except database.TROUBLE as error:
            slot.retry_at = time.monotonic() + RETRY_SECONDS
            if database.is_waited_for(error):
                raise
            logger.warning("The end of %s waits: %s", claim.name, database.explain(error))
            return
        self._release(slot)
        self._look_again = True
        for started in claims:
            self._give(started)
        self._forget_finished_jobs()

    def _lose(self, slot: Slot) -> None:
        """Somebody else owns the step now: stop it, and leave its rows alone."""
        self._spoil(slot)
        if slot.claim:
            logger.warning("Attempt %s of %s was taken over.", slot.claim.attempt, slot.claim.name)
            orchestrator.note_refused(slot.claim, self._desk.worker)  # else the write comes again
        self._release(slot)

    def _release(self, slot: Slot) -> None:
        spoilt, slot.stop = slot.stop or slot.is_tainted, None
        slot.claim = slot.book = slot.cutter = slot.deadline = slot.outcome = None
        slot.retry_at = 0.0
        if spoilt and not slot.dead:  # interrupted anywhere, it may be in any state
            processes.kill_tree(slot.pid)
            slot.dead = True
        elif slot.dead:
            self._forget(slot)

    def _forget_finished_jobs(self) -> None:
        held = {slot.claim.job_id for slot in self._slots if slot.claim}
        for job_id in self._desk.jobs.keys() - held:
            del self._desk.jobs[job_id]

    # -- staying alive

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._post.beat()
            self._server.beat()
            self._next_beat = now + conf.knobs().beat

    def _look_for_the_lost(self) -> None:
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            self._look_again = True
            self._post.look()
            self._sweep.run({slot.claim.step_id for slot in self._slots if slot.claim})


def _with_stop(outcome: Outcome, stop: Stop | None) -> Outcome:
    """How the attempt ended. One that was asked to stop first has stopped, whatever it says:
    its children were ended, so that what it returned means nothing.
    """
    if stop is None:
        return _unasked(outcome) if outcome.verdict is Verdict.STOPPED else outcome
    return Outcome(
        verdict=stop.verdict,
        reason=stop.reason,
        error=stop.reason[0].upper() + stop.reason[1:] + ".",
        traceback=outcome.traceback,
    )


def _unasked(outcome: Outcome) -> Outcome:
    """Only what somebody asked for is cancelled; a stray signal is a failure."""
    return Outcome(
        verdict=Verdict.FAILED,
        reason="stopped by a stray signal",
        error="The step was stopped by SIGTERM, which its worker had not sent.",
        traceback=outcome.traceback,
    )


def _early_end(exit_: Exit) -> Outcome:
    """A slot ended before its step returned."""
    if exit_.by_server:
        reason = "its worker showed no sign of life for too long"
        return Outcome(verdict=Verdict.HANDED_BACK, reason=reason)
    return Outcome(
        verdict=Verdict.DIED,
        reason="its process died",
        error=f"The step's process {_death(exit_.code)} before the step returned.",
    )


def _death(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown signal"
    return f"was killed by signal {-code} ({name})"
