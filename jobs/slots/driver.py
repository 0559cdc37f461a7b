"""Runs claimed steps in slots for an engine, and records what becomes of them.

The engine owns the loop and claims steps; the driver does the rest of a step's life: it starts the
step, enforces its time-out and cancels, writes its log and progress, and records how it ended. It
is the only writer of these rows, and every write carries the attempt's fence.

    driver = SlotDriver(size)          # forks: before threads and database connections
    driver.work_for(claimant, lock)    # once the worker is registered
    while …:
        driver.listen(seconds)         # until ``due_at`` at most
        driver.beat()                  # at least once a lease
        driver.enforce()               # needs no database
        driver.write()                 # needs the database; raises what that raises
        driver.run(claim)              # while there is ``room``
    driver.drain(), driver.stop(), driver.close()
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .. import conf, database, journal, orchestrator
from ..codes import Code, Fact
from ..exceptions import Overtaken
from ..journal import Claim
from ..local_steps import LocalStep, Publisher
from ..orchestrator import Claimant
from ..runner import Limits, Outcome, Task
from ..statuses import Verdict, Wanted
from ..system.stacks import thread_state
from .cancels import Cancels
from .handle import WORKER_STOPPED, RunningAttempt, Stop
from .pool import Pool
from .recording import RETRY_SECONDS, Recorder
from .stacks import answer_about

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

logger = logging.getLogger("truestep.slots.driver")

FLUSH_SECONDS = 0.1  # log lines and progress are written this often
LOOK_SECONDS = 0.2  # between two looks at what other processes of this host write or read


class SlotDriver:
    """Runs up to *size* steps side by side.

    Make it before the process has threads or needs a database connection: it forks.
    """

    def __init__(self, size: int) -> None:
        self._main_thread = thread_state()  # that of each slot, too
        self._pool = Pool(size)
        self._cancels = Cancels(self._stop_cancelled)
        self._recorder = Recorder(self._pool, size, self.run)
        self._is_killing, self._next_flush = False, 0.0

    def work_for(self, claimant: Claimant, lock: int) -> None:
        """Run steps for the worker of *claimant*, which holds *lock* until no slot is left."""
        self._claimant = claimant
        claimant.taken = lambda: Counter(each.claim.queue for each in self.running)
        self._recorder.work_for(claimant)
        self._publisher = Publisher(claimant.worker.lock_path)
        self._pool.hold(lock)
        self._pool.beat()

    # -- waiting

    def listen_to(self, source: FileDescriptorLike, hear: Callable[[], None]) -> None:
        """Call *hear* in ``listen`` whenever there is something to read from *source*."""
        self._pool.listen_to(source, hear)

    def listen(self, seconds: float) -> None:
        """Wait until a slot or another source has news, *seconds* at most, and read all of it."""
        self._pool.listen(seconds)

    def beat(self) -> None:
        """The worker is alive. Without a heartbeat for a lease, its slots are killed."""
        self._pool.beat()

    @property
    def deadline(self) -> float:
        """When ``enforce`` must run again, in monotonic seconds."""
        return self._pool.due_at

    @property
    def due_at(self) -> float:
        """When ``enforce`` and ``write`` must run again, in monotonic seconds."""
        if not self.running:
            return self._pool.due_at
        return min(
            *(self._pool.due_at, time.monotonic() + LOOK_SECONDS),
            *(each.retry_at if each.outcome else each.warn_at for each in self.running),
            *(self._next_flush for each in self.running if each.book.is_dirty and not each.outcome),
        )

    # -- running

    @property
    def running(self) -> list[RunningAttempt]:
        """The attempts whose end is not recorded yet."""
        return self._pool.running

    @property
    def room(self) -> int:
        """How many more steps may start now."""
        return self._recorder.room

    def run(self, claim: Claim) -> None:
        """Run a step that this worker has claimed."""
        state = self._claimant.jobs[claim.job_id]
        knobs = conf.knobs()
        task = Task(
            definition=state.job.definition,
            step=claim.name,
            attempt=claim.attempt,
            params=state.job.params,
            understood=state.job.understood,
            results=orchestrator.results_for(state, claim.step_id),
            idempotency_key=f"{state.job.uuid}:{claim.name}",
            job=str(state.job.uuid),
            sealed=state.job.sealed,
            limits=Limits(error_bytes=knobs.error_bytes, result_bytes=knobs.result_bytes),
            is_last=state.tally.unended == 1,
        )
        self._pool.run(claim, task)

    # -- without the database

    def enforce(self) -> None:
        """Stop what is cancelled or takes too long; kill what did not stop; publish what runs."""
        self._cancels.read_inbox()
        self._pool.enforce_deadlines(is_urgent=self._is_killing)
        self._publisher.publish(self._local_steps)

    def interrupt(self, fact: Fact) -> None:
        """Kill all steps with the next ``enforce``: another worker may soon take them over."""
        for attempt in self.running:
            is_ending = attempt.stop is not None and attempt.stop.kill_at == 0
            if attempt.outcome is None and not is_ending:
                attempt.stop = Stop(Verdict.INTERRUPTED, fact, kill_at=0)

    def lose_all(self) -> None:
        """Kill all steps now: this worker was declared dead, and they may be another's."""
        lost = Outcome(verdict=Verdict.INTERRUPTED, fact=Fact(Code.STEP_WORKER_DECLARED_DEAD))
        for attempt in self.running:
            self._pool.discard(attempt)
            attempt.outcome = attempt.outcome or lost

    def _stop_cancelled(self, jobs: set[int]) -> None:
        for attempt in self.running:
            if attempt.claim.job_id in jobs and not attempt.stop:
                self._pool.ask_to_stop(attempt, Verdict.STOPPED, Fact(Code.STEP_CANCELLED_RUNNING))

    def _stop_overdue(self, jobs: set[int]) -> None:
        for attempt in self.running:
            if attempt.claim.job_id in jobs and not attempt.stop:
                deadline = self._claimant.jobs[attempt.claim.job_id].job.deadline
                passed = Fact(Code.STEP_DEADLINE_PASSED, {"deadline": deadline})
                self._pool.ask_to_stop(attempt, Verdict.TIMED_OUT, passed)

    def _local_steps(self) -> list[LocalStep]:
        return [
            LocalStep(
                pid=attempt.slot.pid,
                database=database.name(),
                job=attempt.claim.job_id,
                definition=self._claimant.jobs[attempt.claim.job_id].job.definition,
                step=attempt.claim.name,
                attempt=attempt.claim.attempt,
                since=attempt.claim.started_at,
            )
            for attempt in self.running
        ]

    # -- with the database

    def read_requests(self) -> Wanted:
        """Heed what people want: stop cancelled steps, say where steps are, start none if paused.

        Returns what they want of this worker, since only the engine can stop.
        """
        running = {each.claim.step_id: each for each in self.running if not each.outcome}
        jobs = {each.claim.job_id for each in running.values()}
        requests = journal.read_requests(self._claimant.worker.pk, jobs, running)
        self._stop_cancelled(requests.cancelled)
        self._stop_overdue(requests.overdue)
        if requests.asked:
            self._answer([running[step_id] for step_id in requests.asked])
        self._claimant.paused = requests.paused
        self._recorder.takes_work = requests.wanted == Wanted.WORK
        return Wanted(requests.wanted)

    def _answer(self, attempts: Iterable[RunningAttempt]) -> None:
        orchestrator.answer_stacks(
            {each.claim.step_id: answer_about(each, self._main_thread) for each in attempts}
        )

    def write(self, *, may_claim: bool) -> bool:
        """Write requests, logs and outcomes; return whether there may be work for a free slot.

        With *may_claim*, what is free after an outcome is filled with steps of other jobs.

        When the database is busy or unreachable, the rest is left for the next call: time-outs and
        signals must not wait for one lock time-out after another.
        """
        self._recorder.has_room = False
        self._cancels.journal_inbox()
        self._note_long_runs()
        self._write_logs()
        self.record_outcomes(may_claim=may_claim)
        return self._recorder.has_room

    def _note_long_runs(self) -> None:
        for attempt in self.running:
            if time.monotonic() >= attempt.warn_at and not attempt.outcome:
                orchestrator.note_long_run(self._claimant, attempt.claim)
                attempt.warn_at = math.inf

    def _write_logs(self) -> None:
        now = time.monotonic()
        is_due = now >= self._next_flush
        if is_due:
            self._next_flush = now + FLUSH_SECONDS
        for attempt in self.running:
            if (is_due or attempt.book.is_full) and not attempt.outcome:  # they go with its end
                self._write_log(attempt)

    def _write_log(self, attempt: RunningAttempt) -> None:
        try:
            attempt.book.write()
        except Overtaken:
            self._recorder.overtaken(attempt)
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error).blocks_every_write:
                raise
            logger.warning("Log lines wait: %s", database.explain(error), extra=attempt.claim.ids)
            self._next_flush = time.monotonic() + RETRY_SECONDS

    def record_outcomes(self, *, may_claim: bool = False) -> None:
        """Record how attempts ended; start the next steps of their jobs in the same batches.

        With *may_claim*, also steps of other jobs.
        """
        self._recorder.record(may_claim=may_claim)

    # -- ending

    def drain(self) -> None:
        """Start no more steps. Safe to call from a signal handler."""
        self._recorder.is_draining = True

    def stop(self) -> None:
        """Ask the running steps to stop; they are requeued and not charged for it."""
        for attempt in self.running:
            if not attempt.stop:
                self._pool.ask_to_stop(attempt, Verdict.HANDED_BACK, WORKER_STOPPED)

    def kill(self) -> None:
        """Give stopping steps no more grace. Safe to call from a signal handler."""
        self._is_killing = True

    @property
    def have_all_ended(self) -> bool:
        """Whether no step runs any more, although the end of some may not be recorded yet."""
        return all(attempt.outcome for attempt in self.running)

    @property
    def was_refused(self) -> bool:
        """Whether the database has refused to record each of these ends."""
        return all(attempt.retry_at for attempt in self.running)

    def abandon(self, error: BaseException) -> None:
        """The worker breaks: end its steps, and record that as far as it still works."""
        self.close()
        outcome = Outcome(
            verdict=Verdict.LOST,
            fact=Fact(Code.STEP_WORKER_BROKE, {"error": type(error).__name__}),
            error=f"The worker broke, and the step ended with it: {error}",
        )
        with contextlib.suppress(Exception):
            self._cancels.journal_inbox()
        for attempt in self.running:
            with contextlib.suppress(Exception):
                orchestrator.finish(self._claimant, attempt.claim, outcome, room=0)

    def close(self) -> None:
        """End every slot and everything that the steps started. Safe to repeat."""
        self._pool.close()

    def log_statistics(self) -> None:
        pool = self._pool
        logger.debug("%s of %s attempts waited for a fork.", pool.waits_for_fork, pool.attempts)
