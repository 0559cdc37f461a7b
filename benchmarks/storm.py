"""All pages connect together, as after a restart of the web process: when is the last one served?

    .venv/bin/python -m benchmarks.storm [--sockets 500] [--times 3]

Sockets of 25 users, each for one of 20 jobs or for the list, without the random pause that spreads
the attempts of real pages. A socket is served when it has got the position of its job or list.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from contextlib import ExitStack

from benchmarks.support import chain, migrate, options, session_key, start_server
from jobs import orchestrator
from tests.faults.websocket import RawSocket

USERS, JOBS = 25, 20


def main() -> None:
    chosen = options(__doc__, sockets=500, times=3)
    migrate()
    with ExitStack() as ending:
        url = start_server(ending)
        sessions = [session_key(f"user {number}") for number in range(USERS)]
        paths = [f"/ws/jobs/{orchestrator.launch(chain('Storm', 5)).pk}/" for _ in range(JOBS)]
        paths += ["/ws/jobs/"] * (JOBS // 4)
        for _ in range(chosen.times):
            served = connect_all(url, paths, sessions, chosen.sockets)
            print(
                f"{len(served)} of {chosen.sockets} sockets served: median "
                f"{statistics.median(served):.2f} s, the last after {max(served):.2f} s"
            )


def connect_all(url: str, paths: list[str], sessions: list[str], count: int) -> list[float]:
    """Seconds from the first handshake until each socket was served."""
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
