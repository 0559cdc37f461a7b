"""All pages come back at once, as after a restart of the web process: when is the last one served?

Sockets of 25 users, each on one of 20 jobs or on the list, without the chance that spreads the
pages' tries. Served is who has been told where the job or the list is now.

    .venv/bin/python benchmarks/storm.py [--sockets 500] [--times 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from commit_to_dom import long_definition, manage, session_key, start_server  # noqa: E402

USERS, JOBS = 25, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        manage("migrate", "-v0").wait()
        url = start_server(ending)
        import django

        django.setup()
        from jobs import orchestrator

        sessions = [session_key(f"user {number}") for number in range(USERS)]
        paths = [f"/ws/jobs/{orchestrator.launch(long_definition(5)).pk}/" for _ in range(JOBS)]
        paths += ["/ws/jobs/"] * (JOBS // 4)
        for _ in range(options.times):
            served = come_back(url, paths, sessions, options.sockets)
            print(
                f"{len(served)} of {options.sockets} sockets served: median "
                f"{statistics.median(served):.2f} s, the last after {max(served):.2f} s"
            )


def come_back(url: str, paths: list[str], sessions: list[str], count: int) -> list[float]:
    """Seconds from the first handshake until each socket was served."""
    from tests.faults.websocket import RawSocket

    sockets, served = [], []

    def connect(number: int) -> None:
        socket = RawSocket(url, paths[number % len(paths)], sessions[number % USERS])
        sockets.append(socket)
        while json.loads(socket.next()[1])["type"] not in ("tick", "stale"):
            pass
        served.append(time.monotonic() - began)

    began = time.monotonic()
    threads = [threading.Thread(target=connect, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for socket in sockets:
        socket.close()
    return served


if __name__ == "__main__":
    main()
