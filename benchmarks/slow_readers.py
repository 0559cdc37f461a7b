"""50 sockets that follow a busy log and never read: the web process's memory, and others' delay.

    .venv/bin/python -m benchmarks.slow_readers [--sockets 50] [--seconds 60]

One step logs 1,000 lines a second. First without the sockets, then with them, a page of another job
notes how late it shows each move.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack

import psutil

from benchmarks import delays
from benchmarks.support import (
    ManualWorker,
    chain,
    migrate,
    options,
    percentile,
    session_key,
    start_server,
    summary,
    web_process,
)
from jobs import orchestrator
from jobs.logs import LogBook
from tests.faults.websocket import RawSocket

LINES_PER_SECOND = 1000
MOVES_PER_SECOND = 5.0
LOOK_SECONDS = 0.5


def main() -> None:
    chosen = options(__doc__, sockets=50, seconds=60.0)
    moves = int(MOVES_PER_SECOND * chosen.seconds)
    migrate()
    with ExitStack() as ending:
        url = start_server(ending)
        chatter = Chatter()
        ending.callback(chatter.end)
        (alone,) = delays.measure([url], moves, MOVES_PER_SECOND)
        memory = Memory(web_process())
        ending.callback(memory.end)
        for _ in range(chosen.sockets):
            ending.callback(deaf_socket(url, chatter.job_id, chatter.step_id).close)
        (beside,) = delays.measure([url], moves, MOVES_PER_SECOND)
        grown = memory.grown
    times = percentile(beside, 99) / percentile(alone, 99)
    print(
        f"{chosen.sockets} sockets that never read, {chosen.seconds:g} s: the web process grew by "
        f"at most {grown / 2**20:.0f} MiB\n"
        f"a page beside them: {summary(beside)}\n"
        f"without them: {summary(alone)}; p99 beside them is {times:.2f} times that"
    )


class Chatter:
    """A step that logs LINES_PER_SECOND until it is ended."""

    def __init__(self) -> None:
        definition = chain("Chatter", 1)
        job = orchestrator.launch(definition)
        (self._held,) = ManualWorker(definition, only_job=job.pk).claim()
        self.job_id, self.step_id = job.pk, self._held.step_id
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._chatter)
        self._thread.start()

    def _chatter(self) -> None:
        book = LogBook(self._held, 2**32)
        number = 0
        while not self._ended.wait(0.1):
            for _ in range(LINES_PER_SECOND // 10):
                number += 1
                book.add(f"line {number} of a step that has much to say about nothing at all")
            book.write()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


class Memory:
    """The resident memory of a process, looked at every LOOK_SECONDS."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = self._highest = process.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._highest = max(self._highest, self._process.memory_info().rss)

    @property
    def grown(self) -> int:
        """By how many bytes it has grown at most."""
        return self._highest - self._before

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def deaf_socket(url: str, job_id: int, step_id: int) -> RawSocket:
    """A WebSocket that asks for a log from its first line and then never reads."""
    socket = RawSocket(url, f"/ws/jobs/{job_id}/", session_key("deaf"))
    socket.send(json.dumps({"type": "follow", "step": step_id, "from": 1}).encode())
    return socket


if __name__ == "__main__":
    main()
