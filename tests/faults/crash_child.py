"""A child of the crash server: performs one operation, and has one fault at a named place.

What it sees is written as JSON, a line each.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from jobs import crashpoints, database, definitions, orchestrator
from jobs.engines.embedded import EmbeddedWorker
from jobs.exceptions import DeclaredDead, MoveRefused, Overtaken
from jobs.models import (
    Attempt,
    Intent,
    Job,
    LogChunk,
    Order,
    Queue,
    Step,
    Transition,
    Worker,
)
from jobs.orchestrator import Claimant
from jobs.upkeep import Sweep
from tests.faults.crash_situations import SITUATIONS, Perform, WorkerUnderTest
from tests.support import drive, job_of
from tests.support.rows import is_call

SWEEPS = 30  # a job that has not ended after so many is stuck


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
        """The connection ends after COMMIT has arrived, before its answer has.

        Or the one statement that needs none.
        """

        def commit() -> None:
            disarm()
            connection._commit()
            lose()

        def call(execute: Callable[..., Any], sql: str, *others: Any) -> Any:
            answer = execute(sql, *others)
            if is_call(sql) and not connection.in_atomic_block:
                disarm()
                lose()
            return answer

        def disarm() -> None:
            """Only the first of both is lost."""
            del connection._commit
            connection.execute_wrappers.remove(call)

        def lose() -> None:
            _terminate()
            with connection.wrap_database_errors:
                connection.connection.execute("SELECT 1")

        connection._commit = commit
        connection.execute_wrappers.append(call)


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
        *Order.objects.order_by("number").values_list("number", "code", "actor"),
        *Queue.objects.exclude(order=None).order_by("name").values_list("name", "is_paused"),
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


def bring_to_end(*claimants: Claimant) -> None:
    """What workers do until every job has ended. Raises AssertionError when one is stuck."""
    sweeps = [Sweep(claimant) for claimant in claimants]
    for _ in range(SWEEPS):
        for sweep in sweeps:
            sweep.run(held=())
        unfinished = list(Job.objects.unfinished())
        if not unfinished:
            return
        for job in unfinished:
            drive(claimants[0], job)
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


def tell(**output: Any) -> None:
    os.write(1, json.dumps(output).encode() + b"\n")


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
    persist(lambda: bring_to_end(worker.claimant))


def _work(point: str, fault: str) -> None:
    """A real worker runs a job; at the point the database fails it."""
    job = orchestrator.launch("lingering" if point.startswith("log.") else "sturdy")
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
