"""Truestep's own worker: one process that claims steps and runs them in killable slots.

The worker never runs a step itself. It beats, reads what its slots say, is the only writer of
their rows, and kills what has to stop; a step that hogs the processor or hangs in C delays none of
that. One thread, one loop: it sleeps until there is something to do, and every turn looks at
everything that can happen.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable

from .. import conf, database, definitions, local_steps, orchestrator, workers
from ..codes import Code, Fact
from ..database import Outage, watch_commits
from ..exceptions import DatabaseBusy, DeclaredDead, NotReady, Overtaken
from ..models import Job
from ..orchestrator import Desk
from ..runner import Limits, Outcome, Task
from ..slots.handle import WORKER_STOPPED, Running, Stop
from ..slots.pool import Pool
from ..statuses import Verdict
from ..system.wakeup import Wakeup
from ..transitions import Claim
from ..upkeep import Sweep
from ..workers import inbox
from ..workers.exits import WorkerExits
from .base import Engine, WorkerProcess

logger = logging.getLogger("truestep.engines.embedded")

EARLY = 0.1  # of the time between two beats: that early is soon enough when the worker is awake
DRAIN_TURN_SECONDS = 1.0  # the longest sleep of a turn while the worker stops
NET_SECONDS = 5.0  # between two looks for work and cancels, whatever is or is not reported
CHECK_SECONDS = 0.4  # between two looks whether the database still has this worker
FLUSH_SECONDS = 0.1  # log lines and progress are written this often
PATIENCE_SECONDS = 1.0  # for the database: the loop must go on
RETRY_SECONDS = 1.0  # after the database could not be used
SHORT_PATIENCE_SECONDS = 0.05  # the same two while somebody holds a lock
SHORT_RETRY_SECONDS = 0.2
LOOK_SECONDS = 0.2  # between two looks at what other processes of this host leave or want to know
CALM_SECONDS = 2.0  # without trouble, after which the usual patience returns


class EmbeddedEngine(Engine):
    def worker(self, slots: int) -> EmbeddedWorker:
        return EmbeddedWorker(slots)


class EmbeddedWorker(WorkerProcess):
    def __init__(self, slots: int) -> None:
        self._size = slots
        self._pool = Pool(slots)
        self._bell = Wakeup()
        self._watch = watch_commits()
        self._deaths = WorkerExits()
        self._stopping = self._killing = False
        self._look_again = True
        self._next_flush = self._next_beat = self._rest_until = self._next_check = 0.0
        self._next_row_beat = 0.0
        self._next_claim = math.inf
        self._told = ""  # what is wrong with the database
        self._inbox = inbox.Inbox()
        self._next_table = 0.0
        self._table: list[local_steps.LocalStep] = []  # as this host's other processes know it

    # -- the life of a worker

    @database.restoring_lock_timeout()
    def run(
        self,
        *,
        only_job: int | None = None,
        until: Callable[[], bool] = lambda: False,
        every: float = math.inf,
    ) -> None:
        try:
            database.require_ready()
        except NotReady:
            self._pool.close()
            raise
        database.set_lock_timeout(PATIENCE_SECONDS)
        self._only_job = only_job
        self._sign_on_when_possible(until)
        self._pool.listen_to(self._bell, self._bell.clear)
        self._pool.listen_to(self._watch, lambda: None)  # asked wherever the database is used
        if self._deaths.are_reported:
            self._pool.listen_to(self._deaths, self._hear_of_death)
        try:
            while not (self._stopping or until()):
                self._turn(every)
            self._drain()
        except BaseException as error:
            self._abandon(error)
            raise
        finally:
            self._pool.close()
            self._watch.close()
            self._deaths.close()
            self._sign_off()

    def _sign_on_when_possible(self, until: Callable[[], bool]) -> None:
        while True:
            try:
                return self._sign_on()
            except DatabaseBusy as error:
                self._rest(error)
                if self._stopping or until():
                    self._pool.close()
                    raise
                time.sleep(SHORT_RETRY_SECONDS)

    def _sign_on(self) -> None:
        knows = definitions.known_steps()
        self._post = workers.register(slots=self._size, knows=knows, only_job=self._only_job)
        self._desk = Desk(worker=self._post.worker, knows=knows)
        self._sweep = Sweep(self._desk, self._deaths.are_reported)
        self._pool.hold(self._post.lock)
        self._pool.beat()

    def _sign_off(self) -> None:
        pool = self._pool
        logger.debug("%s of %s attempts waited for a fork.", pool.waits_for_fork, pool.attempts)
        try:
            self._post.deregister()
        except database.DATABASE_ERRORS as error:  # whoever sweeps next finds the lock free
            logger.warning("The worker could not sign off: %s", error)
            self._post.release()

    def stop(self) -> None:
        self._stopping = True
        self._bell.wake()

    def wake(self) -> None:
        self._look_again = True  # the watch does not see this process's own commits
        self._bell.wake()

    def kill(self) -> None:
        self._killing = True
        self._bell.wake()

    def _turn(self, longest: float) -> None:
        self._pool.listen(min(longest, max(0.0, self._due_at() - time.monotonic())))
        self._stop_when_silent()
        self._beat()
        self._publish()
        self._stop_handed_over()
        self._pool.enforce_deadlines(is_urgent=self._killing)
        if time.monotonic() < self._rest_until:
            return
        try:
            database.discard_broken_connection()
            try:
                self._use_database()
            except DeclaredDead as error:
                logger.warning("%s It ends what it runs and begins anew.", error)
                self._begin_anew()
        except database.DATABASE_ERRORS as error:
            self._rest(error)
            self._sweep.hurry()  # the answer to a COMMIT may be lost
        else:
            self._be_patient()

    def _rest(self, error: Exception) -> None:
        """Nothing can be written now. What happens meanwhile is kept, and written afterwards.

        A lock may be held for long: it is asked for often then, and never waited for, since steps
        are to be stopped in time.
        """
        is_busy = database.outage_of(error) is Outage.BUSY
        if is_busy:
            workers.restart_row_leases()
            database.set_lock_timeout(SHORT_PATIENCE_SECONDS)
        if (told := database.explain(error)) != self._told:
            logger.warning("The worker tries again: %s", told)
        self._told = told
        self._look_again = True
        self._next_row_beat = 0.0  # first see whether the database still knows this worker
        pause = SHORT_RETRY_SECONDS if is_busy else RETRY_SECONDS
        self._rest_until = time.monotonic() + pause
        self._watch.mute(pause)

    def _be_patient(self) -> None:
        """Nothing was in the way for a while."""
        if self._told and time.monotonic() > self._rest_until + CALM_SECONDS:
            logger.warning("The database can be used again.")
            database.set_lock_timeout(PATIENCE_SECONDS)
            self._told = ""

    def _due_at(self) -> float:
        """When there is something to do even if nothing is heard, in monotonic seconds."""
        now = time.monotonic()
        if now < self._rest_until:
            return min(self._rest_until, self._next_beat, self._pool.due_at)
        if self._look_again:
            return now
        # While steps run, for the table of them and for cancels that are handed over.
        longest = LOOK_SECONDS if self._pool.running else math.inf
        return min(
            *(self._next_beat, self._next_row_beat, self._sweep.due_at, self._pool.due_at),
            *(self._next_claim, now + self._watch.pause, now + longest),
            *(each.retry_at for each in self._pool.running if each.outcome),
            *(self._next_flush for each in self._pool.running if each.book.is_dirty),
        )

    def _use_database(self) -> None:
        """What a turn reads and writes. When one statement waits in vain, the others are not tried:
        time-outs and signals are not to wait for the sum of it all.
        """
        self._beat_in_row()
        is_due = self._look_again or time.monotonic() >= self._next_claim
        is_news = self._watch.changed() or is_due
        if is_news:
            self._sweep.has_news = True
            self._see_whether_known()
            self._stop_cancelled()
        self._journal_handed_over()
        self._write_logs()
        self._record_outcomes()
        if is_news or self._look_again:
            self._look_again = False
            self._next_claim = time.monotonic() + NET_SECONDS
            self._claim()
        self._look_for_the_lost()

    def _drain(self) -> None:
        """The worker stops: its steps may end by themselves for a while. What then still runs is
        stopped, and goes back to be run elsewhere; that is charged to no step.
        """
        self._stopping = True
        until = time.monotonic() + conf.knobs().drain
        while self._pool.running and not self._killing and time.monotonic() < until:
            self._turn(DRAIN_TURN_SECONDS)
        for running in self._pool.running:
            if not running.stop:
                self._pool.ask_to_stop(running, Verdict.HANDED_BACK, WORKER_STOPPED)
        given_up_at = time.monotonic() + conf.knobs().grace + conf.knobs().lease
        while self._pool.running and not self._gives_up(given_up_at):
            self._turn(DRAIN_TURN_SECONDS)

    def _gives_up(self, at: float) -> bool:
        """Whether only the database keeps the worker from stopping, and that for long enough."""
        now = time.monotonic()
        rests = now < self._rest_until
        waits = all(each.outcome and (rests or each.retry_at) for each in self._pool.running)
        is_over = waits and (self._killing or now >= at)
        if is_over:
            logger.warning("The worker stops without having recorded how its steps ended.")
        return is_over

    def _abandon(self, error: BaseException) -> None:
        """The worker breaks: end its steps, and say so as far as that still works."""
        self._pool.close()
        outcome = Outcome(
            verdict=Verdict.LOST,
            fact=Fact(Code.STEP_WORKER_BROKE, {"error": type(error).__name__}),
            error=f"The worker broke, and the step ended with it: {error}",
        )
        with contextlib.suppress(Exception):
            self._journal_handed_over()
        for running in self._pool.running:
            with contextlib.suppress(Exception):
                orchestrator.finish(self._desk, running.claim, outcome, room=0)

    # -- finding work

    def _claim(self) -> None:
        while not (self._stopping or self._post.reason_to_stop) and (room := self._room()):
            try:
                claims = orchestrator.claim(self._desk, room)
            except Overtaken:
                continue
            if not claims:
                retry_at = time.monotonic() + orchestrator.next_retry(self._desk)
                self._next_claim = min(self._next_claim, retry_at)
                return
            for claim in claims:
                self._give(claim)  # what fails here is handed back by the next sweep

    def _room(self) -> int:
        return self._size - len(self._pool.running)

    def _give(self, claim: Claim) -> None:
        """Hand a claimed step to a slot."""
        state = self._desk.jobs[claim.job_id]
        knobs = conf.knobs()
        task = Task(
            definition=state.job.definition,
            step=claim.name,
            attempt=claim.attempt,
            params=state.job.params,
            understood=state.job.understood,
            results=orchestrator.results_for(state, claim.step_id),
            idempotency_key=f"{state.job.uuid}:{claim.name}",
            limits=Limits(error_bytes=knobs.error_bytes, result_bytes=knobs.result_bytes),
        )
        self._pool.run(claim, task)

    # -- stopping steps

    def _stop_cancelled(self) -> None:
        running = {each.claim.job_id for each in self._pool.running if not each.stop}
        if not running:
            return
        cancelled = Job.objects.filter(pk__in=running, cancel_requested=True)
        self._stop_jobs(set(cancelled.values_list("pk", flat=True)))

    def _stop_jobs(self, cancelled: set[int]) -> None:
        for each in self._pool.running:
            if each.claim.job_id in cancelled and not each.stop:
                self._pool.ask_to_stop(each, Verdict.STOPPED, Fact(Code.STEP_CANCELLED_RUNNING))

    def _stop_handed_over(self) -> None:
        """Cancels that could not be written, perhaps because of the very step that is to stop."""
        self._stop_jobs({request.job for request in self._inbox.read()})

    def _journal_handed_over(self) -> None:
        """Before it is recorded how the steps ended: nothing is cancelled that nobody asked for."""
        for request in self._inbox.read():
            with contextlib.suppress(Job.DoesNotExist):
                orchestrator.cancel(
                    request.job,
                    actor=request.actor,
                    source=request.source,
                    once=request.once,
                    handed_over_at=request.at,
                )
            self._inbox.remove(request)

    def _stop_when_silent(self) -> None:
        """Others may soon take this worker for dead, and begin its steps anew: end them first."""
        fact = self._post.reason_to_stop
        if not fact:
            return
        for running in self._pool.running:
            if running.outcome is None and not (running.stop and running.stop.kill_at == 0):
                running.stop = Stop(Verdict.INTERRUPTED, fact, kill_at=0)

    def _begin_anew(self) -> None:
        """This worker was declared dead: end what it runs, and sign on as another one."""
        fact = Fact(Code.STEP_WORKER_DECLARED_DEAD)
        for running in self._pool.running:
            self._pool.spoil(running)
            running.outcome = running.outcome or Outcome(verdict=Verdict.INTERRUPTED, fact=fact)
        self._record_outcomes()
        before, jobs = self._post, self._desk.jobs
        self._sign_on()
        self._desk.jobs = jobs  # some ends may still have to be recorded
        self._table = []
        self._look_again = True  # what was heard was about the work of another worker
        before.release()

    # -- writing down

    def _write_logs(self) -> None:
        now = time.monotonic()
        due = now >= self._next_flush
        if due:
            self._next_flush = now + FLUSH_SECONDS
        for running in self._pool.running:
            if due or running.book.is_full:
                self._write_log(running)

    def _write_log(self, running: Running) -> None:
        try:
            running.book.write()
        except Overtaken:
            self._lose(running)
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error).blocks_every_write:
                raise
            logger.warning("Log lines wait: %s", database.explain(error))
            self._next_flush = time.monotonic() + RETRY_SECONDS

    def _record_outcomes(self) -> None:
        now = time.monotonic()
        for running in self._pool.running:
            if running.outcome and now >= running.retry_at:
                self._record(running)

    def _record(self, running: Running) -> None:
        """The last lines first, then how the attempt ended; then the slot is free again."""
        self._pool.read_to_the_end(running)
        room = 0 if self._stopping else self._room() + 1
        ending = running.ending(worker_stops=self._stopping)
        try:
            running.book.write()
            claims = orchestrator.finish(
                self._desk, running.claim, ending, room, log_lines=running.book.last
            )
        except Overtaken:
            self._lose(running)
            return
        except database.DATABASE_ERRORS as error:
            running.retry_at = time.monotonic() + RETRY_SECONDS
            if database.outage_of(error).blocks_every_write:
                raise
            logger.warning("The end of %s waits: %s", running.claim.name, database.explain(error))
            return
        self._release(running)
        for started in claims:
            self._give(started)
        self._desk.forget({running.claim.job_id for running in self._pool.running})

    def _lose(self, running: Running) -> None:
        """Somebody else owns the step now: stop it, and leave its rows alone."""
        claim = running.claim
        self._pool.spoil(running)
        logger.warning("Attempt %s of %s was taken over.", claim.attempt, claim.name)
        orchestrator.note_refused(self._desk, claim)  # else the write comes again
        self._release(running)

    def _release(self, running: Running) -> None:
        """There is room for another step, which may wait for nothing else."""
        self._pool.release(running)
        self._look_again = True

    # -- staying alive

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat - conf.knobs().beat * EARLY:
            self._post.beat()
            self._pool.beat()
            self._next_beat = now + conf.knobs().beat
            self._next_row_beat = now

    def _publish(self) -> None:
        """Tell this host which process runs which step. Short steps come and go untold."""
        now = time.monotonic()
        if now < self._next_table:
            return
        self._next_table = now + FLUSH_SECONDS
        table = [self._entry(running) for running in self._pool.running]
        if table != self._table:
            local_steps.write(self._post.worker.lock_path, table)
            self._table = table

    def _entry(self, running: Running) -> local_steps.LocalStep:
        claim = running.claim
        return local_steps.LocalStep(
            pid=running.slot.pid,
            database=database.name(),
            job=claim.job_id,
            definition=self._desk.jobs[claim.job_id].job.definition,
            step=claim.name,
            attempt=claim.attempt,
            since=claim.started_at,
        )

    def _beat_in_row(self) -> None:
        """For other hosts. A lock may be in the way: then it is tried again soon."""
        now = time.monotonic()
        if now < self._next_row_beat:
            return
        try:
            self._post.beat_in_row()
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error) is Outage.AWAY:
                raise
            self._next_row_beat = now + SHORT_RETRY_SECONDS
            self._rest_until = now  # there is trouble
        else:
            self._watch.wrote()
            self._next_row_beat = math.inf  # until the next beat

    def _look_for_the_lost(self) -> None:
        if self._sweep.is_due:
            self._next_check = 0.0
            self._see_whether_known()
            self._sweep.run({running.claim.step_id for running in self._pool.running})

    def _see_whether_known(self) -> None:
        """Raises DeclaredDead when the database has this worker no more, before it is used."""
        now = time.monotonic()
        if now >= self._next_check:
            self._post.check()
            self._next_check = now + CHECK_SECONDS

    def _hear_of_death(self) -> None:
        if self._deaths.occurred():
            self._sweep.hurry()
