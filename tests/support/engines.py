"""How tests start a worker of each engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from jobs import dispatch
from jobs.models import Worker
from tests.support.programs import Program, program
from tests.support.waiting import wait_for

NO_BROKER = "redis://127.0.0.1:1/0"
CELERY = ("-m", "celery", "-A", "project", "worker", "--loglevel", "warning")


@dataclass(frozen=True)
class EngineInTest:
    """How to start a worker of an engine."""

    env: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def worker(self, slots: int = 2, env: Mapping[str, str] | None = None) -> Iterator[Program]:
        """A worker that runs *slots* steps side by side, from the moment that it is ready."""
        with self._program(slots, {**self.env, **(env or {})}) as running:
            running.wait_for_line("Worker with")
            yield running

    def _program(self, slots: int, env: dict[str, str]):
        return program("worker", "--slots", str(slots), env=env)

    def process_of(self, worker: Program) -> psutil.Process:
        """The process that is registered as the worker and holds its slots."""
        return psutil.Process(worker.process.pid)

    def terminate(self, worker: Program) -> None:
        """Ask the worker to stop, and return when it has heard that."""
        worker.process.terminate()


class CeleryInTest(EngineInTest):
    """``celery worker``; the worker of Truestep is a process that it starts."""

    def _program(self, slots: int, env: dict[str, str], *options: str):
        name = f"{uuid.uuid4()}@%h"  # RabbitMQ refuses a second worker of the same name
        its = ("--concurrency", str(slots), "--hostname", name)
        return program(*its, *options, env=env, python=CELERY)

    def process_of(self, worker: Program) -> psutil.Process:
        def registered() -> psutil.Process | None:
            pids = list(Worker.objects.filter(stopped_at=None).values_list("pid", flat=True))
            children = psutil.Process(worker.process.pid).children()
            return next((each for each in children if each.pid in pids), None)

        return wait_for(registered, what="Celery's worker of Truestep to register")

    def terminate(self, worker: Program) -> None:
        worker.process.terminate()
        worker.wait_for_line("worker: Warm shutdown")


def celery(url: str) -> CeleryInTest:
    """Celery over the broker at *url*."""
    return CeleryInTest({"JOBS_ENGINE": "celery", "CELERY_BROKER_URL": url})


@contextmanager
def hints_sent_to(url: str) -> Iterator[None]:
    """This process launches jobs as one whose engine is Celery."""
    from celery import Celery

    from jobs.engines.celery import messages

    Celery("tests", broker=url, fixups=[]).set_default()
    messages.start_afresh()
    dispatch.send_with(messages.send)
    try:
        yield
    finally:
        dispatch.send_with(None)
