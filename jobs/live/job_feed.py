"""The feed of a job: it sends each page what changed since its position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .. import database, logs, news
from ..models import Step
from ..sight.job import JobSnapshot, read_job
from ..sight.positions import CannotFollow, Position, position_of
from ..sight.steps import Pulse, StepPage, pulse, pulse_of
from ..sight.waiting import read_workers
from . import fragments
from .feeds import Feed, Read
from .viewers import Frame, Viewer

LOG_LINES = 500  # in one frame

View = tuple[Position, StepPage]  # where a page is, and which steps it shows
LogRequest = tuple[int, int, int | None]  # step, first line, last line (None: without an end)


@dataclass
class Update:
    """What one read found for all viewers of a job."""

    position: Position
    changes: dict[View, list[Frame] | None]  # None: the page has to fetch itself again
    pulse: Pulse
    logs: dict[LogRequest, Frame]


class JobFeed(Feed[Position]):
    """Sends the pages of one job what is new for each."""

    def __init__(self, read: Read, job_id: int) -> None:
        self._job_id = job_id
        self._last_pulse: Pulse = {}
        super().__init__(read)

    @property
    def group(self) -> str:
        return news.group_of(self._job_id)

    async def _update(self, viewers: list[Viewer[Position]], is_tick: bool) -> None:
        asked = {viewer: viewer.known for viewer in viewers}
        ticked = {viewer for viewer in viewers if is_tick or viewer.awaits_tick}
        if is_tick:
            await self._read_lock()
        pages = {viewer.page for viewer in viewers}
        workers = await self._read(read_workers, self._job_id, pages) if ticked else None
        update: Update = await self._read(
            read_update,
            self._job_id,
            {(known, viewer.page) for viewer, known in asked.items() if known},
            {(step, *lines) for viewer in viewers for step, lines in viewer.follows.items()},
        )
        frame = {"type": "pulse", "steps": update.pulse, "workers": workers}
        has_progress = self._has_progress(update.pulse)
        for viewer in viewers:
            if viewer.known == asked[viewer]:  # else it asked for a resync while this was read
                _send_changes(viewer, update)
            self._send_logs(viewer, update)
            if viewer in ticked or has_progress:
                viewer.put(frame)
            # A page that is fetching itself again asks for its tick afterwards.
            if is_tick or (viewer in ticked and viewer.known):
                self._send_tick(viewer, **update.position._asdict())

    def _has_progress(self, now: Pulse) -> bool:
        """Whether running steps have other values; a step that starts comes as a change."""
        before, self._last_pulse = self._last_pulse, now
        return any(values != before.get(pk, values) for pk, values in now.items())

    def _send_logs(self, viewer: Viewer[Position], update: Update) -> None:
        for step_id, (start, end) in list(viewer.follows.items()):
            if not viewer.has_room:
                return  # the acknowledgement that makes room wakes the feed
            if frame := update.logs.get((step_id, start, end)):
                viewer.put(frame)
                viewer.follows[step_id] = (frame["last"] + 1, end)
                if end and frame["last"] >= min(end, frame["total"]):
                    del viewer.follows[step_id]
                elif frame["last"] < frame["total"]:
                    self.wake()


def _send_changes(viewer: Viewer[Position], update: Update) -> None:
    if viewer.known is None:
        return
    frames = update.changes[viewer.known, viewer.page]
    if frames is None:
        viewer.known = None
        viewer.put({"type": "stale"})
        return
    for frame in frames:
        viewer.put(frame)
    viewer.known = update.position


def read_update(job_id: int, views: Iterable[View], follows: Iterable[LogRequest]) -> Update:
    """Everything that the viewers of a job need now, from one snapshot."""
    with database.snapshot():
        snapshots = {view: _read_since(job_id, *view) for view in views}
        found = [snapshot for snapshot in snapshots.values() if snapshot]
        changed = next((snapshot for snapshot in found if snapshot.journal), None)
        return Update(
            position=found[0].position if found else position_of(job_id),
            changes={
                view: list(fragments.frames(snapshot)) if snapshot else None
                for view, snapshot in snapshots.items()
            },
            pulse=pulse_of(changed.running) if changed else pulse(job_id),
            logs=_read_logs(job_id, list(follows)),
        )


def _read_since(job_id: int, position: Position, page: StepPage) -> JobSnapshot | None:
    try:
        return read_job(job_id, position, page)
    except CannotFollow:
        return None


def _read_logs(job_id: int, follows: list[LogRequest]) -> dict[LogRequest, Frame]:
    """The requested lines that exist. Usually there are none, which takes one query."""
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
