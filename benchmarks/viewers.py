"""How late do a thousand pages of one job see its moves, and at what price?

    .venv/bin/python -m benchmarks.viewers [--sockets 1000] [--rate 10] [--seconds 20]

One web process serves all sockets, first on uvicorn, then on Daphne; another process makes the
moves. Where there are two cores, the web process has one of its own. The sockets behave as the
page's script does. A move is seen when a page has read the frame that brings it to the move's seq,
or to a later one. In the end 500 sockets that have missed a move connect together.

The baseline is a plain Channels group on the same server, with as many sockets and moves as small
messages.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil

from benchmarks.support import (
    ROOT,
    ManualWorker,
    chain,
    free_port,
    migrate,
    options,
    session_key,
    start,
    summary,
    url_of,
    usage,
    web_process,
)
from jobs import orchestrator
from jobs.models import Job
from jobs.sight.positions import position_of

USERS = 50  # each has as many pages
AT_ONCE = 50  # handshakes, until all pages are open
RECONNECTING = 500
MOST_UNACKNOWLEDGED = 40  # frames, as in socket.js
PLAIN_MOVES = 20  # the plain group needs a second or so for each
TEXT, PING, PONG = 1, 9, 10
SECONDS = 120.0  # the longest wait for anything

Moves = list[tuple[int, float]]  # seq, and when it was committed or seen (milliseconds since 1970)


def main() -> None:
    chosen = options(__doc__, sockets=1000, rate=10.0, seconds=20.0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (chosen.sockets + 500,) * 2)
    migrate()
    with ExitStack() as ending:
        context = multiprocessing.get_context("spawn")
        mover = ending.enter_context(ProcessPoolExecutor(1, context))
        for server in ("uvicorn", "daphne"):
            print(f"{server}, {chosen.sockets} sockets, {chosen.rate:g} moves a second")
            plain = asyncio.run(watch_plain_group(server, chosen.sockets, chosen.rate))
            moves = int(chosen.rate * chosen.seconds)
            ours = asyncio.run(watch_job(server, mover, chosen.sockets, moves, chosen.rate))
            print(f"  {ours / plain:.1f} times as many moves seen a second")


async def watch_job(
    server: str, mover: ProcessPoolExecutor, sockets: int, moves: int, rate: float
) -> float:
    """Moves seen a second on all pages of a job."""
    loop = asyncio.get_running_loop()
    steps = moves // 2 + 1
    job_id = orchestrator.launch(chain("Viewed", steps)).pk
    sessions = [session_key(f"user {number}") for number in range(USERS)]
    with ExitStack() as ending:
        url = url_of(start(ending, "serve", "--no-worker", "--port", "0", "--server", server))
        web = Web(url, web_process())
        path = path_of(job_id)
        pages = await open_in_turn(web, path, sessions, sockets)
        await until(lambda: all(page.ticks for page in pages))
        mib, cpu, frames = web.mib, web.cpu, frames_of(pages)
        committed = await loop.run_in_executor(mover, make_moves, steps, job_id, moves, rate)
        last = committed[-1][0]
        await until(lambda: all(page.seq == last for page in pages))
        cpu, frames = web.cpu - cpu, frames_of(pages) - frames
        seen = report("one feed", pages, committed)
        print(
            f"    CPU of the web process: {1e6 * cpu / frames:.0f} µs a frame, "
            f"{1e6 * cpu / sockets / moves:.0f} µs a move and page; its memory: {mib:.0f} MiB "
            f"before, {web.mib:.0f} MiB after"
        )
        path = path_of(job_id)
        for page in pages:
            page.close()
        [(last, _)] = await loop.run_in_executor(mover, make_moves, steps, job_id, 1, rate)
        began, cpu = time.monotonic(), web.cpu
        pages = await open_pages(web, path, sessions, RECONNECTING)
        await until(lambda: all(page.seq == last and page.ticks for page in pages))
        print(
            f"    {RECONNECTING} that connect together have caught up after "
            f"{time.monotonic() - began:.1f} s, of which the web process used {web.cpu - cpu:.1f} s"
        )
        for page in pages:
            page.close()
    return seen


async def watch_plain_group(server: str, sockets: int, rate: float) -> float:
    """Messages received a second by all members of the group."""
    port = free_port()
    command = {
        "uvicorn": ["--port", str(port), "--log-level", "warning", "--ws-per-message-deflate", "0"],
        "daphne": ["--port", str(port), "--verbosity", "0"],
    }[server]
    application = "benchmarks.plain_group:application"
    process = subprocess.Popen([sys.executable, "-m", server, *command, application], cwd=ROOT)
    try:
        web = Web(f"http://127.0.0.1:{port}/", psutil.Process(process.pid))
        await until(lambda: web.accepts)
        pages = await open_in_turn(web, "/", [""], sockets)
        pages[0].say(f"{PLAIN_MOVES} {rate}")
        await until(lambda: all(page.seq == PLAIN_MOVES for page in pages))
        return report("plain group", pages, pages[0].published)
    finally:
        process.terminate()
        process.wait()


def report(name: str, pages: list[Page], committed: Moves) -> float:
    """Print how late the moves were seen; moves seen a second on all pages."""
    delays = [delay for page in pages for delay in delays_of(page.seen, committed)]
    assert len(delays) == len(pages) * len(committed)
    end = max(page.seen[-1][1] for page in pages)
    seen = len(delays) / (end - committed[0][1]) * 1000
    states = sum(len(page.seen) for page in pages) / len(pages)
    print(
        f"  {name}: {seen:.0f} moves seen a second, {summary(delays)} from commit to bytes read; "
        f"of {len(committed)} states {states:.0f} shown"
    )
    return seen


def delays_of(seen: Moves, committed: Moves) -> list[float]:
    """For each committed move, the milliseconds until it was seen, alone or with later ones."""
    seqs = [seq for seq, _ in seen]
    return [seen[bisect_left(seqs, seq)][1] - at for seq, at in committed]


def make_moves(steps: int, job_id: int, count: int, rate: float) -> Moves:
    """Be the worker of one job."""
    worker = ManualWorker(chain("Viewed", steps), only_job=job_id)
    held, made, due = [], [], time.perf_counter()
    for _ in range(count):
        held = worker.succeed(held[0]) if held else worker.claim()
        at = time.time() * 1000
        made.append((Job.objects.values_list("seq", flat=True).get(pk=job_id), at))
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))
    worker.deregister()
    return made


def path_of(job_id: int) -> str:
    """The address of the socket of a page that was rendered now."""
    seq, tag = position_of(job_id)
    return f"/ws/jobs/{job_id}/?seq={seq}&tag={tag}"


class Web:
    """A web process; where there are two cores, it has one of its own."""

    def __init__(self, url: str, process: psutil.Process) -> None:
        self.url = url.rstrip("/")
        self._process = process
        cores = sorted(range(psutil.cpu_count() or 1))
        process.cpu_affinity(cores[:1])
        os.sched_setaffinity(0, cores[1:] or cores)

    @property
    def accepts(self) -> bool:
        return any(each.status == psutil.CONN_LISTEN for each in self._process.net_connections())

    @property
    def cpu(self) -> float:
        return usage(self._process.pid).cpu

    @property
    def mib(self) -> float:
        return float(self._process.memory_info().rss / 2**20)


class Page(asyncio.Protocol):
    """A socket that acknowledges what it reads, as the page's script does."""

    def __init__(self, request: str) -> None:
        self._request = request
        self._received = b""
        self._unacknowledged = 0
        self.is_open = False
        self.seen: Moves = []
        self.published: Moves = []  # by the plain group, in its messages
        self.ticks = self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        now = time.time() * 1000
        self._received += data
        if not self.is_open and b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            self.is_open = True
        while self.is_open and (frame := self._next_frame()) is not None:
            kind, payload = frame
            if kind == PING:
                self._send(PONG, payload)
            elif kind == TEXT:
                self._read(payload, now)

    def say(self, text: str) -> None:
        """Send a short text."""
        self._send(TEXT, text.encode())

    def _send(self, kind: int, payload: bytes) -> None:
        """Send a short frame, masked with zeros."""
        self._transport.write(bytes([0x80 | kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def close(self) -> None:
        self._transport.abort()

    @property
    def seq(self) -> int:
        """Of the newest move that it has seen."""
        return self.seen[-1][0] if self.seen else 0

    def _next_frame(self) -> tuple[int, bytes] | None:
        received = self._received
        if len(received) < 2:
            return None
        size, begin = received[1], 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(received[2:begin], "big")
        if len(received) < begin + size:
            return None
        self._received = received[begin + size :]
        return received[0] & 15, received[begin : begin + size]

    def _read(self, frame: bytes, now: float) -> None:
        head = re.match(rb'\{"type": "(\w+)"(?:, "since": \d+)?(?:, "seq": (\d+))?', frame)
        assert head, frame
        self.frames += 1
        self.ticks += head[1] == b"tick"
        if head[1] == b"changes":
            self.seen.append((int(head[2]), now))
        if number := re.search(rb'"(n|at)": ([0-9.]+)\}$', frame):
            if number[1] == b"at":
                self.published.append((int(head[2]), float(number[2])))
            else:
                self._acknowledge(int(number[2]), head[1] == b"tick")

    def _acknowledge(self, number: int, is_tick: bool) -> None:
        self._unacknowledged += 1
        if is_tick or self._unacknowledged >= MOST_UNACKNOWLEDGED:
            self._unacknowledged = 0
            self.say(f'{{"type": "ack", "n": {number}}}')


async def open_pages(web: Web, path: str, sessions: list[str], count: int) -> list[Page]:
    """That many pages, all at once."""
    loop, host = asyncio.get_running_loop(), urlsplit(web.url)

    async def open_page(session: str) -> Page:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nOrigin: {web.url}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Cookie: sessionid={session}\r\n\r\n"
        )
        made = loop.create_connection(lambda: Page(request), host.hostname, host.port)
        return (await made)[1]

    chosen = (sessions[number % len(sessions)] for number in range(count))
    return await asyncio.gather(*map(open_page, chosen))


async def open_in_turn(web: Web, path: str, sessions: list[str], count: int) -> list[Page]:
    """That many pages, a few at a time."""
    pages: list[Page] = []
    while len(pages) < count:
        opened = await open_pages(web, path, sessions, min(AT_ONCE, count - len(pages)))
        await until(lambda opened=opened: all(page.is_open for page in opened))
        pages += opened
    return pages


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


def frames_of(pages: list[Page]) -> int:
    return sum(page.frames for page in pages)


if __name__ == "__main__":
    main()
