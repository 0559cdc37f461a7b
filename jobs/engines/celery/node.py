"""The worker of Truestep that a Celery worker has beside its pool.

It is ``manage.py worker`` in a process of its own. Celery's main process starts it, wakes it for
each message, and has it drain when Celery shuts down. A broker that is away, a pool process that is
killed, recycled or busy, and Celery's time limits make no difference to it.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import threading
import time
from typing import Any

from celery import bootsteps, signals
from celery.concurrency.prefork import TaskPool
from django.conf import settings

from ... import conf, times
from ...system import processes
from ...system.leash import Leash
from .queues import step_queues

logger = logging.getLogger("truestep.engines.celery.node")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before it starts again after it has ended
CALM_SECONDS = 60.0  # that it runs until the next pause is the first one again
END_SECONDS = 10.0  # beside its drain, its grace and a lease; then it is killed


def wake() -> None:
    """There may be work: have the worker of this Celery worker look, if it has one."""
    if _node:
        _node.wake()


class TruestepStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """What Celery starts and stops with its worker."""

    label = "Truestep"
    requires = ("celery.worker.components:Pool",)

    def include_if(self, worker: Any) -> bool:
        """Only a worker that gets the messages about some queue of steps runs steps."""
        return bool(step_queues(worker.app.amqp.queues.consume_from))

    def create(self, worker: Any) -> None:
        if not issubclass(worker.pool_cls, TaskPool):
            pool = worker.pool_cls.__module__.rpartition(".")[2]
            raise SystemExit(
                f"Truestep's steps cannot run in a Celery worker with the {pool} pool: start it "
                "with --pool prefork. A worker that consumes only queues without steps (-Q) may "
                "have any pool."
            )

    def start(self, worker: Any) -> None:
        global _node
        queues = step_queues(worker.app.amqp.queues.consume_from)
        _node = Node(worker.max_concurrency or worker.concurrency, queues)
        signals.worker_shutting_down.connect(_node.stop, weak=False)
        # It drains while Celery waits for its own tasks, and is waited for last, however this ends.
        signals.worker_shutdown.connect(_node.join, weak=False)
        atexit.register(_node.join)
        _node.start()

    def close(self, worker: Any) -> None:
        """Celery begins to shut down, maybe without a signal: ``celery control shutdown``."""
        if _node:
            _node.stop_once()


class Node:
    """A worker process that is started again whenever it ends, until it is stopped."""

    def __init__(self, slots: int, queues: list[str]) -> None:
        self._options = ["--slots", str(slots), "--queues", ",".join(queues)]
        self._leash: Leash | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stops = 0
        self._is_stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="truestep-keeper", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def wake(self) -> None:
        if leash := self._leash:
            leash.wake()

    def stop(self, **kwargs: Any) -> None:
        """Have it drain; the second time, without grace. Safe to call from a signal handler."""
        self._stops += 1
        self._is_stopping.set()
        if leash := self._leash:
            leash.stop()

    def stop_once(self) -> None:
        """Have it drain, unless it does already."""
        if not self._stops:
            self.stop()

    def join(self, **kwargs: Any) -> None:
        """Wait until it has ended, and everything that it has started. Safe to repeat."""
        self.stop_once()
        knobs = conf.knobs()
        self._keeper.join(knobs.drain + knobs.grace + knobs.lease + END_SECONDS)
        if self._keeper.is_alive() and self._process:
            processes.kill_tree(self._process.pid)
            self._keeper.join()

    def let_go(self) -> None:
        """This process does not lead it."""
        if leash := self._leash:
            leash.close()

    # -- the keeper's thread

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._is_stopping.is_set():
            began = time.monotonic()
            try:
                how = f"ended with code {self._run()}"
            except OSError as error:
                how = f"could not be started: {error}"
            if self._is_stopping.is_set():
                return
            if time.monotonic() - began > CALM_SECONDS:
                pause = FIRST_PAUSE
            again = times.setting(pause)
            logger.error("Truestep's worker %s; it starts again in %s.", how, again)
            self._is_stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _run(self) -> int:
        """Start it; its exit code."""
        with _spawning:
            readable, writable = os.pipe()
            self._leash = leash = Leash(writable)
            try:
                process = self._process = self._start(readable)
            except BaseException:
                self._leash = None
                leash.close()
                raise
        try:
            if self._is_stopping.is_set():
                leash.stop()
            return process.wait()
        finally:
            self._leash = None
            leash.close()

    def _start(self, leash: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "django", "worker", *self._options, "--led"],
                stdin=leash,
                env=os.environ
                | {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE}
                | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C reaches Celery's main process, which passes it on
            )
        finally:
            os.close(leash)


def _in_child() -> None:
    """This process is a fork of Celery's main process: the worker is not its own."""
    global _node
    _spawning.release()
    if _node:
        _node.let_go()
        _node = None


_node: Node | None = None
# No pool process may be forked while a worker is started: it would inherit ends of pipes, and who
# waits for these pipes to end would wait for that process.
_spawning = threading.Lock()
os.register_at_fork(
    before=_spawning.acquire, after_in_parent=_spawning.release, after_in_child=_in_child
)
