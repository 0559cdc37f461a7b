"""Watching one job to its end: what ``launch`` does after the launch, and ``--follow``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .. import conf, database, orchestrator, workers
from ..engines.base import WorkerProcess
from ..exceptions import DatabaseBusy
from ..models import Job
from ..statuses import Status
from ..workers import inbox
from .follow import PAUSE_SECONDS, Follower
from .interrupts import Interrupts
from .terminal import who

HUNG_UP, KILLED = 129, 130
EXIT_CODES = {Status.SUCCEEDED: 0, Status.FAILED: 1, Status.CANCELLED: 3}
WORKER_CHECK_SECONDS = 5.0


class OutageReport:
    """Continues while the database cannot be used, and says so once."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._is_out = False

    def ask(self, question: Callable[[], bool]) -> bool:
        """The answer to *question*; False while the database cannot be used."""
        database.discard_broken_connection()
        try:
            answer = question()
        except database.DATABASE_ERRORS as error:
            if not self._is_out:
                self._follower.say(f"{database.explain(error)} This command waits.")
            self._is_out = True
            return False
        self._is_out = False
        return answer


def follow(job: Job, follower: Follower, interrupts: Interrupts) -> int:
    """Show a job that others run; the exit code. Ctrl-C only stops following."""
    outages = OutageReport(follower)
    while not outages.ask(follower.is_over):
        if interrupts.count:
            follower.say(f"{job} continues. To stop it, cancel it on its page.")
            return KILLED
        if interrupts.has_hung_up:
            return HUNG_UP
        time.sleep(PAUSE_SECONDS)
    return EXIT_CODES[follower.status]


class Watch:
    """Shows a job that this command launched, and cancels it on Ctrl-C.

    With a *worker*, this command runs the job itself.
    """

    def __init__(
        self,
        job: Job,
        worker: WorkerProcess | None,
        follower: Follower,
        interrupts: Interrupts,
    ) -> None:
        self._job = job
        self._worker = worker
        self._follower = follower
        self._interrupts = interrupts
        self._outages = OutageReport(follower)
        self._is_announced = self._is_cancelled = False
        self._next_check = time.monotonic() + WORKER_CHECK_SECONDS

    def to_the_end(self) -> int:
        """The exit code of the command."""
        if self._worker:
            self._worker.run(only_job=self._job.pk, until=self._is_over, every=PAUSE_SECONDS)
        else:
            while not self._is_over():
                time.sleep(PAUSE_SECONDS)
                self._outages.ask(self._warn_without_workers)
        if self._interrupts.count > 1:
            return KILLED
        if self._leaves:
            return HUNG_UP
        return EXIT_CODES[self._follower.status]

    def _is_over(self) -> bool:
        if self._wants_to_cancel and not self._is_cancelled:
            self._announce_cancel()
            self._is_cancelled = self._outages.ask(self._cancel)
        if self._interrupts.count > 1:
            if self._worker is None:
                if not self._is_cancelled:
                    self._follower.say("The cancel could not be written: the job continues.")
                return True
            self._worker.kill()
        return self._leaves or self._outages.ask(self._follower.is_over)

    @property
    def _wants_to_cancel(self) -> bool:
        """After Ctrl-C, or a closed terminal when no other process would run the job."""
        return bool(self._interrupts.count or (self._worker and self._interrupts.has_hung_up))

    @property
    def _leaves(self) -> bool:
        """Whether the terminal was closed and the job continues without this command."""
        is_settled = self._is_cancelled or not self._interrupts.count
        return self._worker is None and self._interrupts.has_hung_up and is_settled

    def _announce_cancel(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            again = "kills the steps" if self._worker else "leaves them to their worker"
            self._follower.say(f"Cancelling; Ctrl-C again {again}.")

    def _cancel(self) -> bool:
        person: dict[str, Any] = {"actor": who(), "source": "command"}
        try:
            orchestrator.cancel(self._job.pk, **person)
        except DatabaseBusy:
            if not inbox.request_cancel(self._job.pk, **person):
                raise
        if self._worker:
            self._worker.wake()
        return True

    def _warn_without_workers(self) -> bool:
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + WORKER_CHECK_SECONDS
            if not workers.workers_for(self._job.pk, workers.living()):
                command = conf.worker_command()
                self._follower.say(f"No worker is running any more. Start one: {command}")
        return True
