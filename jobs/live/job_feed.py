"""The feed of a job: it sends each page what changed since its position."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import database, logs, news
from ..models import Step
from ..sight.job import JobSnapshot, read_job
from ..sight.positions import CannotFollow, Position, position_of
from ..sight.shown import Shown
from ..sight.steps import Pulse, StepPage, pulse, pulse_of
from ..sight.waiting import read_workers
from ..statuses import Status
from . import fragments
from .feeds import Feed, Read
from .viewers import Follow, Frame, Viewer

LOG_LINES = 500  # in one frame
MOST_KEPT = 8  # questions whose frames are kept

STALE = Frame("stale")

Asked = tuple[Position, Shown]  # where a page is, and what it shows
Changes = dict[Asked, list[Frame] | None]  # None: the page has to fetch itself again
LogRequest = tuple[int, Follow]  # of a step's log


class LogPart(NamedTuple):
    """Lines of a step's log in a frame: the last of them, and how many the log has.

    Behind its end there may be an open line: what the step has said since.
    """

    frame: Frame
    last: int
    total: int
    open_line: str
    is_new: bool  # it has lines, or passes over some
    has_lines: bool


@dataclass
class Update:
    """What one read found for all viewers of a job."""

    position: Position
    changes: Changes  # for the pages that are at another position
    pulse: Pulse
    logs: dict[LogRequest, LogPart]


class JobFeed(Feed[Position]):
    """Sends the pages of one job what is new for each."""

    def __init__(self, read: Read, job_id: int) -> None:
        self._job_id = job_id
        self._last: Update | None = None
        self._pulsed: Any = None  # what the last pulse says
        self._pulse = Frame("pulse")
        super().__init__(read)

    @property
    def group(self) -> str:
        return news.group_of(self._job_id)

    async def _update(self, viewers: list[Viewer[Position]], is_tick: bool) -> None:
        asked = {viewer: viewer.known for viewer in viewers}
        ticked = {viewer for viewer in viewers if is_tick or viewer.awaits_tick}
        if is_tick:
            await self._read_lock()
        pages = {viewer.shown.page for viewer in viewers}
        workers = await self._read(read_workers, self._job_id, pages) if ticked else None
        before = self._last
        self._last = update = await self._read(
            read_update,
            self._job_id,
            {(known, viewer.shown) for viewer, known in asked.items() if known},
            {follow for viewer in viewers for follow in viewer.follows.items()},
            before,
        )
        tick = self._tick(**update.position._asdict())
        has_progress = before is not None and _has_progress(before.pulse, update.pulse)
        if ticked or has_progress:
            self._make_pulse(steps=update.pulse, workers=workers)
        for viewer in viewers:
            if viewer.known == asked[viewer]:  # else it asked for a resync while this was read
                _send_changes(viewer, update)
            self._send_logs(viewer, update)
            if viewer in ticked or has_progress:
                viewer.put_pulse(self._pulse)
            # A page that is fetching itself again asks for its tick afterwards.
            if is_tick or (viewer in ticked and viewer.known):
                viewer.put_tick(tick)

    def _make_pulse(self, **says: Any) -> None:
        """While it would say the same, the frame stays the same: no viewer gets it twice."""
        if says != self._pulsed:
            self._pulsed, self._pulse = says, Frame("pulse", **says)

    def _send_logs(self, viewer: Viewer[Position], update: Update) -> None:
        for step_id, follow in list(viewer.follows.items()):
            if not viewer.has_room:
                return  # the acknowledgement that makes room wakes the feed
            part = update.logs.get((step_id, follow))
            if part and (part.is_new or part.open_line != viewer.open_lines.get(step_id, "")):
                viewer.put(part.frame)
                viewer.open_lines[step_id] = part.open_line
                viewer.follows[step_id] = follow._replace(start=part.last + 1)
                is_over = follow.end and part.last >= min(follow.end, part.total)
                if is_over or (follow.most and part.has_lines):
                    del viewer.follows[step_id]
                elif part.last < part.total:
                    self.wake()


def _send_changes(viewer: Viewer[Position], update: Update) -> None:
    if viewer.known in (None, update.position):
        return
    frames = update.changes[viewer.known, viewer.shown]
    if frames is None:
        viewer.known = None
        viewer.put(STALE)
        return
    for frame in frames:
        viewer.put(frame)
    viewer.known = update.position


def _has_progress(before: Pulse, now: Pulse) -> bool:
    """Whether running steps have other values; a step that starts comes as a change."""
    return any(values != before.get(pk, values) for pk, values in now.items())


def read_update(
    job_id: int,
    asked: Collection[Asked],
    follows: Iterable[LogRequest],
    before: Update | None = None,
) -> Update:
    """Everything that the viewers of a job need now, from one snapshot.

    What *before* has found is not read again while the job is at the same position: of pages that
    reconnect together, only the first one costs a read.
    """
    with database.snapshot():
        position = position_of(job_id)
        changes = _still_true(before, position)
        running = None
        for one in asked:
            known, shown = one
            if known != position and one not in changes:
                snapshot = _read_since(job_id, known, shown.page)
                changes[one] = list(fragments.frames(snapshot, shown.view)) if snapshot else None
                running = snapshot.running if snapshot else running
        return Update(
            position=position,
            changes=changes,
            pulse=pulse(job_id) if running is None else pulse_of(running),
            logs=_read_logs(job_id, list(follows)),
        )


def _still_true(before: Update | None, position: Position) -> Changes:
    if before is None or before.position != position or len(before.changes) >= MOST_KEPT:
        return {}
    return dict(before.changes)


def _read_since(job_id: int, position: Position, page: StepPage) -> JobSnapshot | None:
    try:
        return read_job(job_id, position, page)
    except CannotFollow:
        return None


def _read_logs(job_id: int, follows: list[LogRequest]) -> dict[LogRequest, LogPart]:
    """The requested lines that exist, and open lines. Often there are none: one query."""
    if not follows:
        return {}
    wanted = {step_id for step_id, _ in follows}
    steps = {step.pk: step for step in Step.objects.filter(job=job_id, pk__in=wanted)}
    return {
        (step_id, follow): _log_part(steps[step_id], follow)
        for step_id, follow in follows
        if step_id in steps and (follow.end is None or follow.start <= steps[step_id].log_lines)
    }


def _log_part(step: Step, follow: Follow) -> LogPart:
    start, lines, covered = _lines_of(step, follow)
    last, html = fragments.log_lines(lines)
    if len(lines) == 0 or last == lines[-1].number:
        last = covered
    open_line = step.open_line if step.status == Status.RUNNING else ""
    frame = Frame(
        "log",
        step=step.pk,
        first=start,
        last=last,
        total=step.log_lines,
        html=html,
        open=fragments.open_line(open_line),
    )
    is_new, has_lines = last >= start, bool(html)
    return LogPart(frame, last, step.log_lines, open_line, is_new, has_lines)


def _lines_of(step: Step, follow: Follow) -> tuple[int, list[logs.Line], int]:
    """Lines for a frame: the number from which they are, and that up to which they are read."""
    end = min(follow.end or step.log_lines, step.log_lines)
    start, choice = follow.start, follow.choice
    if start < 0:
        start = logs.start_of_newest(step.pk, choice or logs.Choice(), -start, end)
    if start > end:
        return start, [], start - 1
    if choice:
        return start, *logs.read_chosen(step.pk, choice, start, end, follow.most or LOG_LINES)
    lines = logs.read(step.pk, start, min(LOG_LINES, end - start + 1))
    return start, lines, lines[-1].number if lines else start - 1
