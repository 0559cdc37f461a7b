"""The engines that have to keep the contract (``test_contract.py``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.support import Program, program


@dataclass(frozen=True)
class EngineInTest:
    """How to start a worker process of an engine."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def worker(self, slots: int = 2, env: Mapping[str, str] | None = None) -> Iterator[Program]:
        """A worker that runs *slots* steps side by side, from the moment that it is ready."""
        arguments = (*self.command, "--slots", str(slots))
        with program(*arguments, env={**self.env, **(env or {})}) as running:
            running.wait_for_line("Worker with")
            yield running


ENGINES = [EngineInTest("embedded", command=("worker",))]


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request, database) -> EngineInTest:
    return request.param
