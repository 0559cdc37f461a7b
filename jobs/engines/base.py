"""What an engine promises, and how the settings choose one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from django.utils.module_loading import import_string

from .. import conf
from ..queues import Served


class WorkerProcess(ABC):
    """This process as a worker."""

    @abstractmethod
    def run(
        self,
        *,
        only_job: int | None = None,
        until: Callable[[], bool] = lambda: False,
        every: float = math.inf,
    ) -> None:
        """Claim and run steps until *until* returns True or ``stop`` is called.

        *until* is called whenever something has happened, and at least *every* so many seconds.
        Steps that still run at the end are stopped and requeued.
        """

    @abstractmethod
    def stop(self) -> None:
        """Drain: end ``run`` soon. Safe to call from a signal handler."""

    @abstractmethod
    def wake(self) -> None:
        """Look for work now: this process has written something that concerns the worker."""

    @abstractmethod
    def kill(self) -> None:
        """Give stopping steps no more grace. Safe to call from a signal handler."""


class Engine(ABC):
    """A way to run steps."""

    @abstractmethod
    def worker(self, slots: int, queues: Served | None = None) -> WorkerProcess:
        """Prepare this process to run *slots* steps side by side. It must be single-threaded.

        *queues* are those that it serves; without any it serves every queue.
        """

    def prepare(self) -> None:  # noqa: B027  (most engines have nothing to do)
        """Called once in every process that has loaded the apps."""

    def problems(self) -> Iterator[str]:
        """What is wrong with the project's settings, for ``manage.py check``."""
        yield from ()


def get_engine() -> Engine:
    """The engine that ``TRUESTEP['engine']`` names."""
    engine: Engine = import_string(conf.engine_path())()
    return engine
