"""Truestep's own worker: one process, one thread, one loop.

The worker claims steps and has a ``SlotDriver`` run them in processes that can be killed. It never
runs a step itself, so a step that hogs the processor or hangs in C does not delay heartbeats, logs
or cancels. The loop sleeps until something happens or is due, and every turn handles whatever there
is.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from .. import conf, database, definitions, journal, orchestrator, workers
from ..database import Outage, watch_commits
from ..exceptions import DatabaseBusy, DeclaredDead, NotReady, Overtaken
from ..models import Worker
from ..orchestrator import Claimant
from ..queues import Served
from ..slots.driver import SlotDriver
from ..statuses import Wanted
from ..system.wakeup import Wakeup
from ..upkeep import Sweep
from ..workers.exits import WorkerExits
from ..workers.heartbeat import Heartbeat
from .backoff import LOCKED_PAUSE_SECONDS, Backoff
from .base import Engine, WorkerProcess

logger = logging.getLogger("truestep.engines.embedded")

DRAIN_TURN_SECONDS = 1.0  # the longest sleep of a turn while the worker stops
NET_SECONDS = 5.0  # between two looks for work and cancels, even if no commit is reported


class EmbeddedEngine(Engine):
    def worker(self, slots: int, queues: Served | None = None) -> EmbeddedWorker:
        return EmbeddedWorker(slots, queues)


class EmbeddedWorker(WorkerProcess):
    def __init__(self, slots: int, queues: Served | None = None) -> None:
        self._size = slots
        self._queues = queues or {}
        self._driver = SlotDriver(slots)
        self._backoff = Backoff()
        self._wakeup = Wakeup()
        self._watch = watch_commits(of_work=True)
        self._exits = WorkerExits()
        self._is_stopping = self._is_killing = False
        self._look_again = True  # for work and cancels
        self._next_look = math.inf
        self._former: Worker | None = None  # what this process was, until its order is repeated

    def run(
        self,
        *,
        only_job: int | None = None,
        until: Callable[[], bool] = lambda: False,
        every: float = math.inf,
    ) -> None:
        with database.restoring_lock_timeout():
            self._only_job = only_job
            self._start(until)
            try:
                while not (self._is_stopping or until()):
                    self._turn(every)
                self._drain()
            except BaseException as error:
                self._driver.abandon(error)
                raise
            finally:
                self._close()

    def stop(self) -> None:
        self._is_stopping = True
        self._driver.drain()
        self._wakeup.wake()

    def wake(self) -> None:
        self._look_again = True  # the watch does not see this process's own commits
        self._wakeup.wake()

    def kill(self) -> None:
        self._is_killing = True
        self._driver.kill()
        self._wakeup.wake()

    # -- the loop

    def _turn(self, longest: float) -> None:
        """Sleep until there is something to do, *longest* seconds at most, and do it."""
        self._driver.listen(min(longest, max(0.0, self._due_at() - time.monotonic())))
        if fact := self._registration.reason_to_stop:
            self._driver.interrupt(fact)
        self._heartbeat.beat()
        self._driver.enforce()
        if self._backoff.is_active:
            return
        try:
            database.discard_broken_connection()
            self._use_database()
        except database.DATABASE_ERRORS as error:
            self._back_off(error)
        else:
            self._backoff.succeeded()

    def _due_at(self) -> float:
        """When there is something to do even if nothing happens, in monotonic seconds."""
        if self._backoff.is_active:
            return min(self._backoff.until, self._heartbeat.due_at, self._driver.deadline)
        now = time.monotonic()
        if self._look_again:
            return now
        return min(
            *(self._driver.due_at, self._heartbeat.due_at, self._heartbeat.row_due_at),
            *(self._sweep.due_at, self._next_look, now + self._watch.pause),
        )

    def _use_database(self) -> None:
        """Read and write what is due.

        The first statement that has to wait for too long ends it: time-outs and signals must not
        wait for one lock time-out after another.
        """
        try:
            self._beat_in_row()
            self._repeat_order()
            has_news = self._read_news()
            may_claim = not self._registration.reason_to_stop
            has_room = self._driver.write(may_claim=may_claim)
            if has_news or has_room:
                self._claim()
            self._do_upkeep()
        except DeclaredDead as error:
            logger.warning("%s It ends what it runs and registers again.", error)
            self._register_again()

    def _back_off(self, error: Exception) -> None:
        """Write nothing for a while. What happens meanwhile is kept, and written afterwards."""
        self._watch.mute(self._backoff.start(error))
        self._look_again = True
        self._heartbeat.beat_in_row_soon()
        self._sweep.hurry()  # the answer to a COMMIT may be lost

    # -- what a turn does

    def _beat_in_row(self) -> None:
        """Send the heartbeat for other hosts. If a lock is in the way, try again soon."""
        if time.monotonic() < self._heartbeat.row_due_at:
            return
        try:
            self._heartbeat.beat_in_row()
        except database.DATABASE_ERRORS as error:
            if database.outage_of(error) is Outage.AWAY:
                raise
            self._backoff.extend()
        else:
            self._watch.wrote()

    def _repeat_order(self) -> None:
        """A process that was to drain still is when it has become another worker."""
        if self._former:
            orchestrator.repeat_order(self._former, self._registration.worker)
            self._former = None

    def _read_news(self) -> bool:
        """Whether there may be work; what people ask of running steps is done."""
        is_due = self._look_again or time.monotonic() >= self._next_look
        has_news = self._watch.changed() or is_due
        if has_news:
            self._sweep.has_news = True
            self._heartbeat.check()
            if self._driver.read_requests() is Wanted.STOP:
                self.stop()
        return has_news

    def _claim(self) -> None:
        """Claim and start steps until all slots are taken or there is no more work."""
        self._look_again = False
        self._next_look = time.monotonic() + NET_SECONDS
        while (room := self._driver.room) and not self._registration.reason_to_stop:
            try:
                claims = orchestrator.claim(self._claimant, room)
            except Overtaken:
                continue
            if not claims:
                retry_at = time.monotonic() + orchestrator.next_retry(self._claimant)
                self._next_look = min(self._next_look, retry_at)
                return
            for claim in claims:
                self._driver.run(claim)  # if this fails, the next sweep requeues the step

    def _do_upkeep(self) -> None:
        if self._sweep.is_due:
            self._heartbeat.check(is_urgent=True)
            self._sweep.run({attempt.claim.step_id for attempt in self._driver.running})

    # -- starting

    def _start(self, until: Callable[[], bool]) -> None:
        try:
            journal.require_ready()
        except NotReady:
            self._driver.close()
            raise
        self._backoff.begin()
        self._register_when_possible(until)
        self._driver.listen_to(self._wakeup, self._wakeup.clear)
        self._driver.listen_to(self._watch, lambda: None)  # read wherever the database is used
        if self._exits.are_reported:
            self._driver.listen_to(self._exits, self._hear_of_exit)

    def _register_when_possible(self, until: Callable[[], bool]) -> None:
        while True:
            try:
                return self._register()
            except DatabaseBusy as error:
                self._watch.mute(self._backoff.start(error))
                if self._is_stopping or until():
                    self._driver.close()
                    raise
                time.sleep(LOCKED_PAUSE_SECONDS)

    def _register(self) -> None:
        knows = definitions.known_steps()
        registration = workers.register(
            slots=self._size, queues=self._queues, knows=knows, only_job=self._only_job
        )
        self._registration = registration
        self._heartbeat = Heartbeat(registration, self._driver.beat)
        self._claimant = Claimant(worker=registration.worker, knows=knows)
        self._sweep = Sweep(self._claimant, self._exits.are_reported)
        self._driver.work_for(self._claimant, registration.lock)

    def _register_again(self) -> None:
        """This worker was declared dead: end what it runs, and become another worker."""
        self._driver.lose_all()
        self._driver.record_outcomes()
        before, jobs = self._registration, self._claimant.jobs
        self._register()
        self._former = before.worker
        self._claimant.jobs = jobs  # the end of some steps may still have to be recorded
        self._look_again = True  # the news read so far were for another worker
        before.release()

    def _hear_of_exit(self) -> None:
        if self._exits.occurred():
            self._sweep.hurry()

    # -- stopping

    def _drain(self) -> None:
        """Let running steps end for a while, then ask them to stop; those are requeued."""
        self.stop()
        until = time.monotonic() + conf.knobs().drain
        while self._driver.running and not self._is_killing and time.monotonic() < until:
            self._turn(DRAIN_TURN_SECONDS)
        self._driver.stop()
        give_up_at = time.monotonic() + conf.knobs().grace + conf.knobs().lease
        while self._driver.running and not self._gives_up(give_up_at):
            self._turn(DRAIN_TURN_SECONDS)

    def _gives_up(self, at: float) -> bool:
        """Whether only the database has kept the worker from stopping, for long enough."""
        is_refused = self._backoff.is_active or self._driver.was_refused
        is_blocked = self._driver.have_all_ended and is_refused
        gives_up = is_blocked and (self._is_killing or time.monotonic() >= at)
        if gives_up:
            logger.warning("The worker stops without having recorded how its steps ended.")
        return gives_up

    def _close(self) -> None:
        self._driver.close()
        self._watch.close()
        self._exits.close()
        self._driver.log_statistics()
        try:
            self._registration.deregister()
        except database.DATABASE_ERRORS as error:  # the next sweep finds the lock free
            logger.warning("The worker could not deregister: %s", error)
            self._registration.release()
