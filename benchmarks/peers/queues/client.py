"""Launches jobs in a queue and waits for their end, as the benchmark tells it line by line.

    python client.py with_huey

Runs in the queue's own interpreter and needs nothing else. The module that it is given has:

``prepare()``        create the tables
``launch(steps)``    launch a job of so many steps, one after another, which do nothing
``finished()``       how many steps are stored as finished; where the queue keeps jobs, of jobs
                     that are stored as finished themselves
``look()``           launch a job that calls ``durability.tell`` on a worker's connection
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import durability

LOOK_OFTEN, LOOK = 0.002, 0.05  # seconds between two looks at the database
TIMEOUT = 120.0


class Client:
    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def idle(self, jobs: int, steps: int) -> dict[str, Any]:
        """Launch one job after another, each some time after the one before has ended."""
        milliseconds = []
        for _ in range(jobs):
            time.sleep(random.uniform(0.02, 0.08))  # in step with no poll of a worker
            goal = self._queue.finished() + steps
            start = time.perf_counter()
            self._queue.launch(steps)
            _wait(lambda goal=goal: self._queue.finished() >= goal, LOOK_OFTEN)
            milliseconds.append((time.perf_counter() - start) * 1000)
        return {"milliseconds": milliseconds}

    def run(self, jobs: int, steps: int) -> dict[str, Any]:
        """Launch all jobs, one call for each, and wait for the last end."""
        goal = self._queue.finished() + jobs * steps
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(jobs):
            self._queue.launch(steps)
        cpu = time.process_time() - cpu
        _wait(lambda: self._queue.finished() >= goal, LOOK)
        return {"seconds": time.perf_counter() - start, "launch_cpu": cpu}

    def durability(self) -> dict[str, Any]:
        """What makes commits durable, as a worker reads it from its connection."""
        self._queue.look()
        _wait(durability.was_told, LOOK)
        return {"durability": durability.told()}


def _wait(is_reached: Callable[[], bool], pause: float) -> None:
    deadline = time.perf_counter() + TIMEOUT
    while not is_reached():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"The jobs have not ended after {TIMEOUT:g} s.")
        time.sleep(pause)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a queue prints is no answer
    queue = importlib.import_module(sys.argv[1])
    queue.prepare()
    client = Client(queue)
    print("{}", file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        method = getattr(client, request.pop("do"))
        print(json.dumps(method(**request)), file=answers)


if __name__ == "__main__":
    main()
