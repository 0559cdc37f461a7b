"""The state of the simulation: its clocks, its workers, and the attempts that these hold."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from jobs.statuses import Wanted
from tests.machine.actions import ACTIONS
from tests.machine.clock import Clock
from tests.machine.invariants import Seen, check
from tests.support.rows import empty_tables

LEASE = 15.0
DEFINITIONS = ("machine_chain", "machine_diamond", "machine_fan", "machine_stranger")
QUEUES = ("default", "gpu")
MOST_JOBS = 3
MOST_WORKERS = 4


@dataclass(eq=False)
class HeldAttempt:
    """An attempt that a worker takes for its own."""

    worker: SimulatedWorker
    claim: Any
    book: Any
    state: Any  # the job as the worker remembers it


@dataclass(eq=False)
class SimulatedWorker:
    """A worker: what ``engines.embedded`` does with its rows, without processes."""

    registration: Any
    claimant: Any
    sweep: Any
    is_far: bool
    held: list[HeldAttempt] = field(default_factory=list)
    observed: dict[UUID, Any] = field(default_factory=dict)  # the heartbeats of the others

    @property
    def is_good(self) -> bool:
        """Whether it can finish every job that any worker can finish."""
        row = self.registration.worker
        takes_any_job = row.only_job_id is None and not row.queues
        return not self.is_far and takes_any_job and len(self.claimant.knows["machine_chain"]) == 3

    @property
    def is_drained(self) -> bool:
        return self.registration.worker.wanted != Wanted.WORK

    @property
    def taken(self) -> Counter[str]:
        """The slots that run a step, by its queue."""
        return Counter(attempt.claim.queue for attempt in self.held)

    @property
    def running(self) -> set[int]:
        return {attempt.claim.step_id for attempt in self.held}


class Simulation:
    """Make it inside ``transactional_db``; ``close`` leaves an empty database behind."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workers: list[SimulatedWorker] = []
        self.jobs: list[int] = []  # those that were not deleted
        self.past: list[HeldAttempt] = []  # attempts that have ended, or that their worker lost
        self.launched: list[int] = []
        self.locks: set[int] = set()
        self.registered = 0
        self.seen = Seen()
        self.stack = ExitStack()
        self.stack.enter_context(self.clock.installed())
        _sync_commits(False)

    @property
    def held(self) -> list[HeldAttempt]:
        return [attempt for worker in self.workers for attempt in worker.held]

    @property
    def overtaken(self) -> list[HeldAttempt]:
        """Attempts that a worker holds, or has held, while a later attempt of their step runs."""
        return [
            attempt
            for attempt in (*self.past, *self.held)
            if (step := self.seen.steps.get(attempt.claim.step_id))
            and step.status == "running"
            and step.attempt != attempt.claim.attempt
        ]

    @property
    def takes_jobs(self) -> bool:
        return len(self.jobs) < MOST_JOBS

    @property
    def takes_workers(self) -> bool:
        return len(self.workers) < MOST_WORKERS

    def can(self, name: str) -> bool:
        when = ACTIONS[name].when
        return not when or bool(getattr(self, when))

    def do(self, name: str, **numbers: int) -> None:
        """Perform one action, and check that everything adds up."""
        what = ACTIONS[name]
        given: list[Any] = []
        if what.of:
            items = getattr(self, what.of)
            given.append(items[numbers.pop("pick") % len(items)])
        what.function(self, *given, **numbers)
        check(self, is_retry=name == "retry")
        self.clock.pass_by(0.01)

    def close(self) -> None:
        self.stack.close()
        for lock in self.locks:
            os.close(lock)
        empty_tables()
        _sync_commits(True)


def _sync_commits(is_on: bool) -> None:
    """Whether the disk keeps up with every commit; nothing here is about power failures."""
    if connection.vendor == "sqlite":
        statement = f"PRAGMA synchronous = {'FULL' if is_on else 'OFF'}"
    else:
        statement = f"SET synchronous_commit TO {'ON' if is_on else 'OFF'}"
    with connection.cursor() as cursor:
        cursor.execute(statement)
