"""A feed is a process's single reader of one job, or of one window of the list.

It reads what its viewers have not been sent, renders it once and writes it to each. A viewer has a
position: connecting, live updates, resync and catching up after a slow moment are all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .. import assets, database, logs, news
from ..models import Job, Step
from ..sentences import as_json
from ..sight.job import JobSnapshot, read_job
from ..sight.job_list import ListWindow, Window, shows_other_statuses
from ..sight.positions import CannotFollow, Position, position_of
from ..sight.steps import StepPage, pulse, pulse_of
from ..sight.waiting import read_workers
from . import fragments
from .viewers import Frame, Viewer

logger = logging.getLogger("truestep.live.feeds")

TICK_SECONDS = 2.0
GAP_SECONDS = 0.05  # the first change goes out at once; a burst is gathered this long
LIST_GAP_SECONDS = 0.1  # the same for a page of the list, which its viewers fetch again
LOG_LINES = 500  # lines in one frame
RETRY_SECONDS = 1.0

Read = Callable[..., Awaitable[Any]]
Place = tuple[Position, StepPage]  # where a viewer is, and what it shows
Range = tuple[int, int, int | None]  # step, first line, last line (None: and whatever follows)


class Feed(ABC):
    """Wakes at news and at each tick, and tells its viewers."""

    gap = GAP_SECONDS

    def __init__(self, read: Read) -> None:
        self.viewers: set[Viewer] = set()
        self.news = asyncio.Event()
        self._read = read
        self._held: list[Any] = []  # words about who holds the database
        self._task = asyncio.create_task(self._run())

    @property
    @abstractmethod
    def group(self) -> str:
        """The Channels group that is poked when this feed has news."""

    @abstractmethod
    async def _tell(self, viewers: list[Viewer], tick: bool) -> None:
        """Read what is new and put it to the viewers."""

    def end(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        next_tick = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_tick - time.monotonic())):
                    await self.news.wait()
            is_news = self.news.is_set()
            self.news.clear()
            tick = time.monotonic() >= next_tick
            if tick:
                next_tick = time.monotonic() + TICK_SECONDS
            self._drop_lost()
            try:
                if viewers := [viewer for viewer in self.viewers if viewer.has_room]:
                    await self._tell(viewers, tick)
            except Job.DoesNotExist:
                self._tell_gone()
                return
            except Exception as error:  # no tick goes out, so the pages say that they are not live
                logger.warning("%s cannot be read: %s", self.group, error)
                next_tick = time.monotonic()
                await asyncio.sleep(RETRY_SECONDS)
            if is_news:
                await asyncio.sleep(self.gap)

    def _drop_lost(self) -> None:
        for viewer in self.viewers:
            if viewer.is_lost:
                viewer.close(1013)

    def _tell_gone(self) -> None:
        for viewer in self.viewers:
            viewer.put({"type": "gone"})
            viewer.close(4404)

    async def _look_for_holder(self) -> None:
        self._held = as_json(await self._read(database.lock_sentence))

    def _tell_tick(self, viewer: Viewer, position: Position) -> None:
        viewer.awaits_tick = False
        seq, tag = position
        held = {"held": self._held} if self._held else {}
        viewer.put({"type": "tick", "seq": seq, "tag": tag, "version": assets.version(), **held})


class WindowFeed(Feed):
    """Tells the pages that show a window when it is not what they show any more."""

    group = news.ALL_JOBS

    def __init__(self, read: Read, window: Window) -> None:
        self._window = window
        if isinstance(window, ListWindow):
            self.gap = LIST_GAP_SECONDS
        super().__init__(read)

    async def _tell(self, viewers: list[Viewer], tick: bool) -> None:
        if tick:
            await self._look_for_holder()
        mark, cells = await self._read(self._window.read)
        now = Position(0, mark)
        for viewer in viewers:
            known = viewer.position or viewer.told
            moved = shows_other_statuses(known.tag, now.tag)
            if known != now and (viewer.position or moved):
                viewer.position, viewer.told = None, now
                urgent = moved and not self._window.cells_show_all
                viewer.put({"type": "stale", "urgent": urgent, "cells": cells})
            if tick or (viewer.awaits_tick and viewer.position):
                self._tell_tick(viewer, now)


@dataclass
class News:
    """What one read of the database found for everybody who watches a job."""

    position: Position
    changes: dict[Place, list[Frame] | None]  # None: stale
    steps: Frame  # volatile values of the running steps
    logs: dict[Range, Frame]


class JobFeed(Feed):
    """Sends the pages of one job what changed since their positions."""

    def __init__(self, read: Read, job_id: int) -> None:
        self._job_id = job_id
        self._last_steps: Frame = {}
        super().__init__(read)

    @property
    def group(self) -> str:
        return news.group_of(self._job_id)

    async def _tell(self, viewers: list[Viewer], tick: bool) -> None:
        asked = {viewer: viewer.position for viewer in viewers}
        places = {(position, viewer.page) for viewer, position in asked.items() if position}
        follows = {(step, *lines) for viewer in viewers for step, lines in viewer.follows.items()}
        ticked = {viewer for viewer in viewers if tick or viewer.awaits_tick}
        if tick:
            await self._look_for_holder()
        pages = {viewer.page for viewer in viewers}
        workers = await self._read(read_workers, self._job_id, pages) if ticked else None
        news = await self._read(_read_news, self._job_id, places, follows)
        pulse = {"type": "pulse", "steps": news.steps, "workers": workers}
        has_moved = self._have_moved(news.steps)
        for viewer in viewers:
            if viewer.position == asked[viewer]:  # else it asked for a resync while we read
                self._tell_changes(viewer, news)
            self._tell_logs(viewer, news)
            if viewer in ticked or has_moved:
                viewer.put(pulse)
            if tick or (viewer in ticked and viewer.position):  # who is to fetch anew asks after it
                self._tell_tick(viewer, news.position)

    def _have_moved(self, steps: Frame) -> bool:
        """Whether there is something to tell of running steps; what starts comes as a change."""
        before, self._last_steps = self._last_steps, steps
        return any(now != before.get(pk, now) for pk, now in steps.items())

    def _tell_changes(self, viewer: Viewer, news: News) -> None:
        if viewer.position is None:
            return
        frames = news.changes[viewer.position, viewer.page]
        if frames is None:
            viewer.position = None
            viewer.put({"type": "stale"})
            return
        for frame in frames:
            viewer.put(frame)
        viewer.position = news.position

    def _tell_logs(self, viewer: Viewer, news: News) -> None:
        for step_id, (start, end) in list(viewer.follows.items()):
            if not viewer.has_room:
                return  # the acknowledgement that makes room wakes the feed
            if frame := news.logs.get((step_id, start, end)):
                viewer.put(frame)
                viewer.follows[step_id] = (frame["last"] + 1, end)
                if end and frame["last"] >= min(end, frame["total"]):
                    del viewer.follows[step_id]
                elif frame["last"] < frame["total"]:
                    self.news.set()


def _read_news(job_id: int, places: set[Place], follows: set[Range]) -> News:
    """Everything that the viewers of a job need now, from one snapshot."""
    with database.snapshot():
        snapshots = {place: _look(job_id, *place) for place in places}
        seen = [snapshot for snapshot in snapshots.values() if snapshot]
        telling = next((snapshot for snapshot in seen if snapshot.journal), None)
        return News(
            position=seen[0].position if seen else position_of(job_id),
            changes={
                place: list(fragments.frames(snapshot)) if snapshot else None
                for place, snapshot in snapshots.items()
            },
            steps=pulse_of(telling.running) if telling else pulse(job_id),
            logs=_read_logs(job_id, follows),
        )


def _look(job_id: int, position: Position, page: StepPage) -> JobSnapshot | None:
    """What is new at a place; None when its page is better fetched anew."""
    try:
        return read_job(job_id, position, page)
    except CannotFollow:
        return None


def _read_logs(job_id: int, follows: set[Range]) -> dict[Range, Frame]:
    """What there is now of the lines that viewers want: mostly nothing, and then one query."""
    if not follows:
        return {}
    steps = Step.objects.filter(job=job_id, pk__in={step_id for step_id, _, _ in follows})
    totals = dict(steps.values_list("pk", "log_lines"))
    return {
        (step_id, start, end): _log_frame(step_id, start, end, totals[step_id])
        for step_id, start, end in follows
        if start <= totals.get(step_id, 0)
    }


def _log_frame(step_id: int, start: int, end: int | None, total: int) -> Frame:
    count = min(LOG_LINES, end - start + 1) if end else LOG_LINES
    last, html = fragments.log_lines(logs.read(step_id, start, count))
    return {
        "type": "log",
        "step": step_id,
        "first": start,
        "last": last,
        "total": total,
        "html": html,
    }
