"""What an engine promises, and how the one named in the settings is found."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

from django.utils.module_loading import import_string

from .. import conf


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
        """Claim and run steps until *until* says so or ``stop`` is called.

        *until* is asked whenever something has happened, and at least *every* so many seconds.
        Steps that still run at the end are stopped and handed back.
        """

    @abstractmethod
    def stop(self) -> None:
        """End ``run`` soon; safe to call from a signal handler."""

    @abstractmethod
    def wake(self) -> None:
        """Look at the database now: *until* has written something that concerns the worker."""

    @abstractmethod
    def kill(self) -> None:
        """Grant running steps no more grace; safe to call from a signal handler."""


class Engine(ABC):
    """A way to run steps."""

    @abstractmethod
    def worker(self, slots: int) -> WorkerProcess:
        """Prepare this process to run *slots* steps side by side. It must be single-threaded."""


def get_engine() -> Engine:
    """The engine that ``TRUESTEP['engine']`` names."""
    engine: Engine = import_string(conf.engine_path())()
    return engine
