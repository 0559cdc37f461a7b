"""The feed: a process's single reader of a watched job. It reads, renders once, writes to viewers.

A viewer is one socket. It has a position (seq, tag): what it has been sent. Connecting, live
updates, resync and catching up after a slow moment are all the same: whoever is behind is sent what
changed since its position.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import connection

from .. import conf, database, feed, logs, workers
from ..feed import Position
from ..models import Job, Step
from . import fragments

logger = logging.getLogger(__name__)

TICK_SECONDS = 2.0
GAP_SECONDS = 0.03  # the first change goes out at once; a burst is gathered this long
POLL_SECONDS = 0.005  # how soon a commit of another process is seen (SQLite)
WINDOW = 100  # frames that a page may leave unacknowledged
SILENCE_SECONDS = 30.0  # … and for how long, before it is dropped
LOG_LINES = 500  # lines in one frame
RETRY_SECONDS = 1.0

Frame = dict[str, Any]


class Viewer:
    """One socket that watches one job."""

    def __init__(
        self,
        send: Callable[[Frame], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
        position: Position,
        sees_logs: bool,
    ) -> None:
        self.position: Position | None = position  # None: the page is fetching itself anew
        self.follows: dict[int, int] = {}  # step → number of the next log line
        self.sees_logs = sees_logs
        self.awaits_tick = True  # a page that has just connected is told at once where it is
        self._send = send
        self._close = close
        self._sent = 0
        self._acked = 0
        self._acked_at = time.monotonic()
        self._outgoing: asyncio.Queue[Frame | int] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def put(self, frame: Frame) -> None:
        """Queue a frame; the window bounds how many there can be."""
        self._sent += 1
        self._outgoing.put_nowait(frame | {"n": self._sent})

    def close(self, code: int) -> None:
        self._outgoing.put_nowait(code)

    def acknowledge(self, n: int) -> None:
        self._acked = max(self._acked, min(n, self._sent))
        self._acked_at = time.monotonic()

    @property
    def has_room(self) -> bool:
        return self._sent - self._acked < WINDOW

    @property
    def is_lost(self) -> bool:
        """It has been sent frames and has acknowledged none for too long."""
        late = time.monotonic() - self._acked_at > SILENCE_SECONDS
        return late and self._sent > self._acked

    def leave(self) -> None:
        self._writer.cancel()

    async def _write(self) -> None:
        while True:
            item = await self._outgoing.get()
            try:
                await (self._close(item) if isinstance(item, int) else self._send(item))
            except Exception as error:
                logger.warning("A frame could not be sent, the socket is closed: %s", error)
                await self._close(1011)
                return


@dataclass
class News:
    """What one read of the database found for everybody who watches a job."""

    position: Position
    changes: dict[Position, list[Frame] | None] = field(default_factory=dict)  # None: stale
    steps: Frame = field(default_factory=dict)  # volatile values of the running steps
    logs: dict[tuple[int, int], Frame] = field(default_factory=dict)


class Feed:
    """The single reader of one job in this process."""

    def __init__(self, hub: Hub, job_id: int) -> None:
        self.job_id = job_id
        self.viewers: set[Viewer] = set()
        self.news = asyncio.Event()
        self._hub = hub
        self._last_pulse: Frame = {}
        self._workers: Frame | None = None
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        next_tick = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_tick - time.monotonic())):
                    await self.news.wait()
            self.news.clear()
            tick = time.monotonic() >= next_tick
            if tick:
                next_tick = time.monotonic() + TICK_SECONDS
            try:
                await self._tell(tick)
            except Job.DoesNotExist:
                self._tell_gone()
                return
            except Exception as error:  # no tick goes out, so the pages say that they are not live
                logger.warning("Job %s cannot be read: %s", self.job_id, error)
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(GAP_SECONDS)

    async def _tell(self, tick: bool) -> None:
        for viewer in [viewer for viewer in self.viewers if viewer.is_lost]:
            viewer.close(1013)
            self.viewers.discard(viewer)
        viewers = [viewer for viewer in self.viewers if viewer.has_room]
        asked = {viewer: viewer.position for viewer in viewers}
        positions = {position for position in asked.values() if position}
        follows = {item for viewer in viewers for item in viewer.follows.items()}
        if tick:
            self._workers = await self._hub.read(_read_workers, self.job_id)
        news = await self._hub.read(_read_news, self.job_id, positions, follows)
        pulse = {"type": "pulse", "steps": news.steps, "workers": self._workers}
        for viewer in viewers:
            if viewer.position == asked[viewer]:  # else it asked for a resync while we read
                self._tell_changes(viewer, news)
            self._tell_logs(viewer, news)
            if tick or viewer.awaits_tick or pulse != self._last_pulse:
                viewer.put(pulse)
            if tick or viewer.awaits_tick:
                viewer.awaits_tick = False
                seq, tag = news.position
                viewer.put({"type": "tick", "seq": seq, "tag": tag, "version": fragments.version()})
        self._last_pulse = pulse

    def _tell_changes(self, viewer: Viewer, news: News) -> None:
        if viewer.position is None:
            return
        frames = news.changes[viewer.position]
        if frames is None:
            viewer.position = None
            viewer.put({"type": "stale"})
            return
        for frame in frames:
            viewer.put(frame)
        viewer.position = news.position

    def _tell_logs(self, viewer: Viewer, news: News) -> None:
        for step_id, start in list(viewer.follows.items()):
            if frame := news.logs.get((step_id, start)):
                viewer.put(frame)
                viewer.follows[step_id] = frame["last"] + 1
                if frame["last"] < frame["total"]:
                    self.news.set()

    def _tell_gone(self) -> None:
        for viewer in self.viewers:
            viewer.put({"type": "gone"})
            viewer.close(4404)

    def end(self) -> None:
        self._task.cancel()


class Hub:
    """The feeds of one event loop, and what wakes them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[int, Feed] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="truestep-feed")
        self._layer = get_channel_layer()
        self._channel = ""
        self._pump: asyncio.Task[None] | None = None
        self._watching = threading.Event()
        if connection.vendor == "sqlite":
            watcher = threading.Thread(
                target=self._watch_commits, name="truestep-commits", daemon=True
            )
            watcher.start()
        feed.adopt_loop(self._loop)

    async def join(self, job_id: int, viewer: Viewer) -> Feed:
        """Let a viewer watch a job."""
        if self._pump is None:
            self._pump = asyncio.create_task(self._receive_pokes())
        watched = self._feeds.get(job_id)
        if watched is None:
            watched = self._feeds[job_id] = Feed(self, job_id)
            await self._subscribe(job_id)
        watched.viewers.add(viewer)
        watched.news.set()
        self._watching.set()
        return watched

    async def leave(self, watched: Feed, viewer: Viewer) -> None:
        viewer.leave()
        watched.viewers.discard(viewer)
        if not watched.viewers and self._feeds.get(watched.job_id) is watched:
            del self._feeds[watched.job_id]
            watched.end()
            if self._layer and self._channel:
                await self._layer.group_discard(feed.group_of(watched.job_id), self._channel)
        if not self._feeds:
            self._watching.clear()

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a read in the feeds' own thread: consumers all share another one."""
        return await self._loop.run_in_executor(self._reader, _with_connection, function, *args)

    # -- what wakes a feed: pokes, and (SQLite) anybody's commit

    async def _receive_pokes(self) -> None:
        while self._layer:
            try:
                if not self._channel:
                    self._channel = await self._layer.new_channel()
                    for job_id in self._feeds:
                        await self._subscribe(job_id)
                message = await self._layer.receive(self._channel)
                if watched := self._feeds.get(message.get("job", 0)):
                    watched.news.set()
            except Exception as error:
                logger.warning("No pokes: %s. Open pages catch up by their tick.", error)
                self._channel = ""
                await asyncio.sleep(RETRY_SECONDS)

    async def _subscribe(self, job_id: int) -> None:
        if self._layer and self._channel:
            await self._layer.group_add(feed.group_of(job_id), self._channel)

    def _watch_commits(self) -> None:
        """A thread of its own; it rests while nobody watches, and ends with the loop."""
        watch = database.CommitWatch()
        while not self._loop.is_closed():
            if not self._watching.wait(timeout=RETRY_SECONDS):
                continue
            time.sleep(POLL_SECONDS)
            if _changed(watch):
                with contextlib.suppress(RuntimeError):  # the loop closes just now
                    self._loop.call_soon_threadsafe(self._wake_all)
        connection.close()

    def _wake_all(self) -> None:
        for watched in self._feeds.values():
            watched.news.set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def _changed(watch: database.CommitWatch) -> bool:
    try:
        return watch.changed()
    except Exception:  # whatever is wrong with the database, the feeds look and tell
        connection.close()
        return True


def _with_connection(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)
    except Exception:
        connection.close()  # the next read begins with a sound one
        raise


def _read_news(job_id: int, positions: set[Position], follows: set[tuple[int, int]]) -> News:
    """Everything that the viewers of a job need now, from one snapshot."""
    with database.snapshot():
        news = News(position=feed.position_of(job_id))
        for position in positions:
            try:
                news.changes[position] = (
                    []
                    if position == news.position
                    else list(fragments.frames(feed.look(job_id, *position)))
                )
            except feed.OtherHistory:
                news.changes[position] = None
        news.steps = feed.pulse(job_id)
        for step_id, start in follows:
            if frame := _log_frame(job_id, step_id, start):
                news.logs[step_id, start] = frame
        return news


def _log_frame(job_id: int, step_id: int, start: int) -> Frame | None:
    total = Step.objects.filter(pk=step_id, job=job_id).values_list("log_lines", flat=True).first()
    if not total or start > total:
        return None
    last, html = fragments.log_lines(logs.read(step_id, start, LOG_LINES))
    return {
        "type": "log",
        "step": step_id,
        "first": start,
        "last": last,
        "total": total,
        "html": html,
    }


def _read_workers(job_id: int) -> Frame | None:
    """Who could take this job's ready steps, in words for those that wait."""
    job = Job.objects.get(pk=job_id)
    if job.is_finished:
        return None
    takers = workers.who_takes(job.pk, workers.living())
    if not takers:
        note = "no worker is running: start one with  python manage.py worker"
        return {"live": 0, "note": note, "unknown": {}}
    known = {name for taker in takers for name in taker.knows.get(job.definition, ())}
    grace = conf.knobs().unknown_grace
    unknown = {
        str(pk): f"no running worker knows this step; it fails after {grace:g} s"
        for pk, name in Step.objects.ready().filter(job=job).values_list("pk", "name")
        if name not in known
    }
    return {"live": len(takers), "note": "waits for a free slot", "unknown": unknown}
