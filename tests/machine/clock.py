"""The clocks of the simulation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

from django.utils import timezone

from jobs.upkeep import dead_workers, sweep, unknown_steps
from jobs.workers import liveness, registration


class Clock:
    """Every clock that decides something. They stand still unless an action moves them."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
        self.monotonic = 1000.0
        self.boot = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds
        self.boot += seconds

    def sleep(self, seconds: float) -> None:
        """The machine is suspended."""
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds

    @contextmanager
    def installed(self) -> Iterator[None]:
        mine = SimpleNamespace(
            monotonic=lambda: self.monotonic,
            clock_gettime=lambda which: self.boot,
            CLOCK_BOOTTIME=time.CLOCK_BOOTTIME,
        )
        with ExitStack() as stack:
            stack.enter_context(patch.object(timezone, "now", lambda: self.wall))
            for module in (registration, liveness, sweep, dead_workers, unknown_steps):
                stack.enter_context(patch.object(module, "time", mine))
            yield
