"""Processes in which an operation crashes, raises or loses its database at a named place.

The crash server (``crash_server.py``) is a process with every app loaded and no connection. For
each request it forks a child that sets up a situation and performs an operation; the fault happens
at one of its crash points. What the child sees comes back as JSON, a line each.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from jobs import crashpoints, database, definitions, orchestrator, workers
from jobs.codes import Fact
from jobs.engines.embedded import EmbeddedWorker
from jobs.exceptions import DeclaredDead, MoveRefused, Overtaken
from jobs.logs import LogBook
from jobs.models import Attempt, Intent, Job, LogChunk, Step, Transition, Worker
from jobs.orchestrator import Claimant
from jobs.runner import Outcome
from jobs.statuses import Verdict
from jobs.upkeep import Sweep
from jobs.workers import Registration
from tests.support import drive, ended, job_of, returned, step_of

SWEEPS = 30  # a job that has not ended after so many is stuck


# --- what the parent holds ------------------------------------------------------------------------


class CrashServer:
    """The process that forks children; they share the database of the test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash_server"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, operation: str, point: str = "", fault: str = "") -> dict[str, Any]:
        """Let a child live; all that it said, and as ``code`` how it ended."""
        self._process.stdin.write(json.dumps([operation, point, fault]) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = {}
        while "code" not in told:
            told |= json.loads(self._process.stdout.readline())
        return told

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


# --- the situations -------------------------------------------------------------------------------

Perform = Callable[[], Any]
SITUATIONS: dict[str, Callable[[WorkerUnderTest], Perform]] = {}


def situation(make: Callable[[WorkerUnderTest], Perform]) -> Callable[[WorkerUnderTest], Perform]:
    """Brings rows about, and returns the operation to perform on them."""
    SITUATIONS[make.__name__] = make
    return make


def new_worker() -> tuple[Registration, Claimant]:
    """A worker of this process that knows the jobs of these tests."""
    knows = {name: list(definitions.get(name).steps()) for name in ("sturdy", "woven")}
    post = workers.register(slots=2, knows=knows)
    return post, Claimant(post.worker, knows)


class WorkerUnderTest:
    """The worker that the child is."""

    def __init__(self) -> None:
        self.post, self.desk = new_worker()

    def claimed(self, desk=None):
        """A new job, and the claim of its first step."""
        job = orchestrator.launch("sturdy")
        [held] = orchestrator.claim(desk or self.desk, room=1)
        return job, held

    def failed_job(self):
        """A job whose first step has failed, with the two after it skipped."""
        job, held = self.claimed()
        orchestrator.finish(self.desk, held, HOPELESS, room=0)
        for held in orchestrator.claim(self.desk, room=2):
            orchestrator.finish(self.desk, held, RETURNED, room=0)
        return job


RETURNED = returned({"answer": 42})
HOPELESS = Outcome(
    verdict=Verdict.FAILED, fact=Fact.text("raised"), error="no luck", may_retry=False
)


def _finish(worker, held, outcome, room=1):
    return lambda: orchestrator.finish(worker.desk, held, outcome, room=room)


@situation
def launch(worker):
    return lambda: orchestrator.launch("sturdy", actor="ada")


@situation
def launch_once(worker):
    return lambda: orchestrator.launch("sturdy", actor="ada", once="a form")


@situation
def claim(worker):
    orchestrator.launch("sturdy")
    return lambda: orchestrator.claim(worker.desk, room=2)


@situation
def finish(worker):
    """The next step starts in the same batch."""
    _, held = worker.claimed()
    return _finish(worker, held, RETURNED)


@situation
def finish_the_last(worker):
    """The job ends with it."""
    _, held = worker.claimed()
    for _ in range(3):
        [held] = orchestrator.finish(worker.desk, held, RETURNED, room=1)
    return _finish(worker, held, RETURNED)


@situation
def finish_to_try_again(worker):
    _, held = worker.claimed()
    return _finish(worker, held, ended(Verdict.FAILED))


@situation
def finish_in_vain(worker):
    """What needs it is skipped."""
    _, held = worker.claimed()
    return _finish(worker, held, HOPELESS)


@situation
def finish_cancelled(worker):
    job, held = worker.claimed()
    orchestrator.cancel(job.pk)
    return _finish(worker, held, ended(Verdict.STOPPED))


@situation
def hand_back(worker):
    _, held = worker.claimed()
    return _finish(worker, held, ended(Verdict.HANDED_BACK))


@situation
def recover(worker):
    """A sweep finds a dead worker and its step."""
    post, desk = new_worker()
    worker.claimed(desk)
    os.close(post._lock)
    sweep = Sweep(worker.desk)
    return lambda: sweep.run(held=())


@situation
def give_up(worker):
    job = orchestrator.launch("sturdy")
    step = step_of(job, "first")
    return lambda: orchestrator.give_up(job.pk, {step.pk: Fact.text("no worker knows it")})


@situation
def cancel(worker):
    """One step runs, the others wait."""
    job, _ = worker.claimed()
    return lambda: orchestrator.cancel(job.pk, actor="ada")


@situation
def cancel_before_it_started(worker):
    job = orchestrator.launch("sturdy")
    return lambda: orchestrator.cancel(job.pk, actor="ada")


@situation
def retry(worker):
    job = worker.failed_job()
    return lambda: orchestrator.retry(job.pk, actor="ada", why="it was the network")


@situation
def cancel_once(worker):
    job, _ = worker.claimed()
    return lambda: orchestrator.cancel(job.pk, actor="ada", once="a form")


@situation
def retry_once(worker):
    job = worker.failed_job()
    return lambda: orchestrator.retry(job.pk, actor="ada", once="a form")


@situation
def note(worker):
    """Another worker has taken the step over."""
    _, held = worker.claimed()
    return lambda: orchestrator.note_refused(worker.desk, held)


@situation
def log(worker):
    _, held = worker.claimed()
    book = LogBook(held, limit=1_000_000)
    book.add("written before")
    book.write()
    for number in range(3):
        book.add(f"line {number}")
    book.progress(1, 3, "counting")
    return book.write


@situation
def beat(worker):
    return worker.post.beat_in_row


@situation
def register(worker):
    return new_worker


@situation
def deregister(worker):
    post, _ = new_worker()
    return post.deregister


# --- the child ------------------------------------------------------------------------------------


class Boom(Exception):
    """Raised at a crash point."""


class FaultInjector:
    """What happens at a crash point, the first time that it is reached.

    Without a point, it records the rows after each commit.
    """

    def __init__(self, point: str, fault: str) -> None:
        self.reached: list[str] = []
        self.states: list[Any] = []
        self._point = point
        self._inject = getattr(self, f"_{fault}", None)

    def __call__(self, name: str) -> None:
        is_first = name not in self.reached
        self.reached.append(name)
        if self._inject and name == self._point and is_first:
            self._inject()
        elif not self._inject and name.endswith(".after_commit"):
            self.states.append(database_state())

    def _kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _exception(self) -> None:
        raise Boom

    def _database(self) -> None:
        """The database has no room any more."""
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA max_page_count = 1")  # as many as there are
                try:
                    cursor.execute(
                        "CREATE TABLE too_much AS WITH RECURSIVE without_end(n) AS "
                        "(SELECT 1 UNION ALL SELECT n + 1 FROM without_end) "
                        "SELECT zeroblob(1000000) FROM without_end"
                    )
                finally:
                    connection.connection.execute("PRAGMA max_page_count = 4294967294")
            else:
                cursor.execute(
                    "DO $$ BEGIN RAISE 'could not extend file: No space left on device' "
                    "USING ERRCODE = 'disk_full'; END $$"
                )

    def _cut(self) -> None:
        """The connection ends; this process finds out when it uses it."""
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            connection.connection.close()
        else:
            _terminate()

    def _unanswered(self) -> None:
        """The connection ends after COMMIT has arrived, before its answer has."""

        def commit() -> None:
            del connection._commit
            connection._commit()
            _terminate()
            with connection.wrap_database_errors:
                connection.connection.execute("SELECT 1")

        connection._commit = commit


def _terminate() -> None:
    """End the session of this process on the server, as an administrator does."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            pid = connection.connection.info.backend_pid
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            assert cursor.fetchone() == (True,)
    finally:
        other.close()


def database_state() -> list[Any]:
    """What the rows say, without what differs from one run to the next."""
    rows = [
        *Job.objects.order_by("pk").values_list(
            "definition", "status", "seq", "cancel_requested", "started_at", "ended_at", "tag"
        ),
        *Step.objects.order_by("job", "position").values_list(
            "name",
            *(
                "status",
                "seq",
                "attempt",
                "fence",
                "tag",
                "failures",
                "crashes",
                "interruptions",
                "not_before",
            ),
            *("waiting", "done", "total", "progress_text", "log_lines"),
        ),
        *Attempt.objects.order_by("step__job", "step__position", "number").values_list(
            *("step__name", "number", "ended_at", "verdict", "result", "error", "traceback")
        ),
        *Transition.objects.order_by("job", "seq").values_list(
            *("seq", "kind", "step__name", "attempt", "from_status", "to_status"),
            *("actor", "source", "reason", "tag"),
        ),
        *LogChunk.objects.order_by("step__job", "step__position", "first").values_list(
            *("step__name", "attempt", "first", "last", "text", "levels")
        ),
        *Worker.objects.order_by("pk").values_list("beats", "stopped_at"),
        *Intent.objects.order_by("pk").values_list("digest"),
    ]
    return [[_without_chance(value) for value in row] for row in rows]


def _without_chance(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | dict):
        return value
    if isinstance(value, str):
        if re.fullmatch("[0-9a-f]{8}", value):
            return "a tag"
        return re.sub(r"\S+:\d+", "a worker", value)
    return "a time"


def bring_to_end(*desks: Claimant) -> None:
    """What workers do until every job has ended. Raises AssertionError when one is stuck."""
    sweeps = [Sweep(desk) for desk in desks]
    for _ in range(SWEEPS):
        for sweep in sweeps:
            sweep.run(held=())
        unfinished = list(Job.objects.unfinished())
        if not unfinished:
            return
        for job in unfinished:
            drive(desks[0], job)
    raise AssertionError(f"stuck: {unfinished}")


def persist(do: Callable[[], Any]) -> Any:
    """As a worker does: what the database refused is tried again, on a connection that works."""
    for _ in range(3):
        try:
            return do()
        except database.DATABASE_ERRORS as error:
            trouble = error
            database.discard_broken_connection()
    raise trouble


def again(perform: Perform) -> None:
    with contextlib.suppress(Overtaken, MoveRefused, DeclaredDead):  # it has happened already
        persist(perform)


def tell(**told: Any) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def _life(operation: str, point: str, fault: str) -> None:
    worker = WorkerUnderTest()
    perform = SITUATIONS[operation](worker)
    tell(before=database_state())
    injector = FaultInjector(point, fault)
    try:
        with crashpoints.watched(injector):
            perform()
    except Exception as error:
        tell(raised=f"{type(error).__name__}: {error}")
    tell(reached=injector.reached, states=injector.states, after=persist(database_state))
    again(perform)
    tell(again=persist(database_state))
    persist(lambda: bring_to_end(worker.desk))


def _work(point: str, fault: str) -> None:
    """A real worker runs a job; at the point the database fails it."""
    job = orchestrator.launch("sturdy")
    injector = FaultInjector(point, fault)

    def is_over() -> bool:
        is_near = point in injector.reached or point.startswith("deregister.")
        return is_near and persist(lambda: job_of(job.pk).is_finished)

    with crashpoints.watched(injector):
        EmbeddedWorker(2).run(until=is_over)
    tell(reached=injector.reached)


def serve() -> None:
    """Fork a child for each order, until the input ends."""
    definitions.known_steps()
    connections.close_all()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                operation, point, fault = json.loads(line)
                if operation == "work":
                    _work(point, fault)
                else:
                    _life(operation, point, fault)
            except BaseException:
                tell(broke=traceback.format_exc())
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        tell(code=os.waitstatus_to_exitcode(status))
