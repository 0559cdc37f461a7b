"""Two operations at once, in an order that is chosen at every crash point.

Each runs in a thread of its own, on a connection of its own, and stops at each place it reaches
until it is released. A thread that waits for the other's lock cannot be released; the other
continues.
"""

from __future__ import annotations

import fcntl
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from jobs import crashpoints, database
from jobs.database import transactions
from jobs.database.sqlite import turns

DEADLINE = 60.0  # seconds for one piece of an operation
LOOK_AGAIN = 0.002  # seconds after which PostgreSQL is asked whether a thread waits for a lock


class ControlledThread:
    """A thread that performs one operation after another."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.said: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.pid = 0  # of its PostgreSQL session
        self._go = threading.Semaphore(0)
        self._operations: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self.thread = threading.Thread(target=self._live)
        self.thread.start()

    def begin(self, operation: Callable[[], Any] | None) -> None:
        """Perform it from its first place on; without one, end."""
        self._operations.put(operation)

    def release(self) -> None:
        self._go.release()

    def stop_at(self, place: str) -> None:
        self.said.put(("at", place))
        self._go.acquire()

    def _live(self) -> None:
        while operation := self._operations.get():
            connection.ensure_connection()
            if connection.vendor == "postgresql":
                self.pid = connection.connection.info.backend_pid
            self.stop_at("start")
            try:
                answer = operation()
            except BaseException as error:
                answer = error
            self.said.put(("done", answer))
        connection.close()


@dataclass
class ScheduleRun:
    """What became of a schedule."""

    choices: str = ""  # who was released, where both could be: 0 or 1
    trace: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=lambda: [None, None])

    def __str__(self) -> str:
        return f"schedule {self.choices}: {' '.join(self.trace)} → {self.answers}"


class Scheduler:
    """Two threads, and who of them has to wait."""

    def __init__(self) -> None:
        self._threads = [ControlledThread(number) for number in range(2)]
        self._by_thread = {thread.thread: thread for thread in self._threads}
        self._holder: ControlledThread | None = None  # of SQLite's ticket

    def end(self) -> None:
        for thread in self._threads:
            thread.begin(None)
            thread.thread.join(DEADLINE)

    def run(self, operations: Sequence[Callable[[], Any]], choices: str = "") -> ScheduleRun:
        """Perform both. After the *choices*, the thread that was released last continues."""
        run = ScheduleRun()
        at: list[str] = ["", ""]  # the place; "blocked" or "done" where there is none
        with self._watched():
            for thread, operation in zip(self._threads, operations, strict=True):
                thread.begin(operation)
                self._settle(thread, at, run)
            last = 0
            while at != ["done", "done"]:
                able = [number for number in (0, 1) if at[number] not in ("blocked", "done")]
                if len(able) == 2:
                    made = len(run.choices)
                    last = int(choices[made]) if made < len(choices) else last
                    run.choices += str(last)
                elif able:
                    [last] = able
                if able:
                    run.trace.append(f"{last}:{at[last]}")
                    self._threads[last].release()
                    self._settle(self._threads[last], at, run)
                for number in (0, 1):
                    if at[number] == "blocked" and (number != last or not able):
                        self._settle(self._threads[number], at, run)
        return run

    def _settle(self, thread: ControlledThread, at: list[str], run: ScheduleRun) -> None:
        """Wait until the thread is at a place, done or blocked."""
        was_blocked = at[thread.number] == "blocked"
        at[thread.number] = ""
        if was_blocked and self._is_blocked_by_ticket(thread):
            at[thread.number] = "blocked"
            return
        waited = 0.0
        while True:
            try:
                said, what = thread.said.get(timeout=LOOK_AGAIN)
                break
            except queue.Empty:
                waited += LOOK_AGAIN
                assert waited < DEADLINE, f"{thread.number} hangs: {run}"
                if self._waits_in_database(thread):
                    said, what = "blocked", None
                    break
        if said == "done":
            run.answers[thread.number] = what
        elif said == "blocked" and not was_blocked:
            run.trace.append(f"{thread.number}:…")
        at[thread.number] = what if said == "at" else said

    # -- who waits

    def _is_blocked_by_ticket(self, thread: ControlledThread) -> bool:
        return self._holder is not None and self._holder is not thread

    def _waits_in_database(self, thread: ControlledThread) -> bool:
        if connection.vendor == "sqlite":
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [thread.pid])
            return cursor.fetchone() != (0,)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        def stop(place: str) -> None:
            if thread := self._by_thread.get(threading.current_thread()):
                thread.stop_at(place)

        take, wait = transactions._turn, turns.wait

        def wait_for_turn(handle: int, seconds: float) -> None:
            thread = self._by_thread[threading.current_thread()]
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                thread.said.put(("blocked", None))
                wait(handle, seconds)
            self._holder = thread

        @contextmanager
        def turn(seconds: float) -> Iterator[None]:
            try:
                with take(seconds):
                    yield
            finally:
                if self._holder is self._by_thread[threading.current_thread()]:
                    self._holder = None

        transactions._turn, turns.wait = turn, wait_for_turn
        database.set_lock_timeout(DEADLINE)
        try:
            with crashpoints.watched(stop):
                yield
        finally:
            transactions._turn, turns.wait = take, wait
            database.set_lock_timeout(database.LOCK_TIMEOUT_SECONDS)
