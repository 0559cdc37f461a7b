"""50 sockets that follow a busy log and never read: the web process's memory, and others' delay.

    .venv/bin/python benchmarks/slow_readers.py [--sockets 50] [--seconds 60]

One step says 1,000 lines a second. First without, then with the sockets, a page of another job
notes how late it shows each move.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from commit_to_dom import (  # noqa: E402
    long_definition,
    manage,
    measure,
    session_key,
    start_server,
)

LINES_PER_SECOND = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sockets", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    moves = int(5 * options.seconds)
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        manage("migrate", "-v0").wait()
        url = start_server(ending)
        import django

        django.setup()
        chatter = Chatter()
        ending.callback(chatter.end)
        (alone,) = measure([url], moves, 5.0)
        (web,) = [
            child
            for child in psutil.Process().children(recursive=True)
            if "jobs.management.server" in " ".join(child.cmdline())
        ]
        before = web.memory_info().rss
        sockets = [
            deaf_socket(url, chatter.job_id, chatter.step_id) for _ in range(options.sockets)
        ]
        highest = [before]
        watching = threading.Event()
        ending.callback(watching.set)
        threading.Thread(target=watch, args=(web, highest, watching), daemon=True).start()
        (beside,) = measure([url], moves, 5.0)
        grown = (max(highest) - before) / 2**20
        for socket in sockets:
            socket.close()
    alone_p99, beside_p99 = (statistics.quantiles(told, n=100)[98] for told in (alone, beside))
    print(
        f"{options.sockets} sockets that never read, {options.seconds:g} s: the web process grew "
        f"by at most {grown:.0f} MiB; a page beside them p50 {statistics.median(beside):.1f} ms, "
        f"p99 {beside_p99:.1f} ms; without them {statistics.median(alone):.1f} and "
        f"{alone_p99:.1f} ms: {beside_p99 / alone_p99:.2f} times"
    )


class Chatter:
    """A step that says so many lines a second, until it is ended."""

    def __init__(self) -> None:
        from jobs import orchestrator, workers

        definition = long_definition(1)
        definition.name = "chatter"
        job = orchestrator.launch(definition)
        post = workers.register(slots=1, knows={"chatter": ["s000"]}, only_job=job.pk)
        desk = orchestrator.Claimant(worker=post.worker, knows=post.worker.knows)
        (self._claim,) = orchestrator.claim(desk, 1)
        self.job_id, self.step_id = job.pk, self._claim.step_id
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._chatter)
        self._thread.start()

    def _chatter(self) -> None:
        from jobs.logs import LogBook

        book = LogBook(self._claim, 2**32)
        number = 0
        while not self._ended.wait(0.1):
            for _ in range(LINES_PER_SECOND // 10):
                number += 1
                book.add(f"line {number} of a step that has much to say about nothing at all")
            book.write()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def deaf_socket(url: str, job_id: int, step_id: int):
    """A WebSocket that asks for a log from its beginning and then never reads."""
    from tests.faults.websocket import RawSocket

    socket = RawSocket(url, f"/ws/jobs/{job_id}/", session_key("deaf"))
    socket.send(json.dumps({"type": "follow", "step": step_id, "from": 1}).encode())
    return socket


def watch(web: psutil.Process, highest: list[int], ended: threading.Event) -> None:
    while not ended.wait(0.5):
        highest.append(web.memory_info().rss)


if __name__ == "__main__":
    main()
