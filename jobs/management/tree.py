"""A job as a tree in the terminal: drawn from one snapshot, inside whatever space there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from .. import database, feed, logs
from ..feed import Sight, StepSight, why_pending
from ..live.feeds import read_workers
from ..models import Attempt, Job, Step
from ..statuses import Status
from ..templatetags.truestep import duration, number

SIGNS = {
    Status.PENDING: "·",
    Status.RUNNING: "▶",
    Status.SUCCEEDED: "✔",
    Status.FAILED: "✘",
    Status.CANCELLED: "■",
    Status.SKIPPED: "↷",
}
STYLES = {
    Status.PENDING: "yellow",
    Status.RUNNING: "bold blue",
    Status.SUCCEEDED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "bright_black",
    Status.SKIPPED: "dim",
}
LOG_LINES = 5  # of each running step


class Picture:
    """What is drawn of a job: its steps and, under those that run, their newest log lines."""

    def __init__(self, job_id: int, most_steps: int) -> None:
        """Raises Job.DoesNotExist."""
        with database.snapshot():
            self.sight: Sight = feed.glance(job_id, most_steps)
            self.workers: dict[str, Any] = read_workers(job_id) or {}
            self.lines = {
                row.step.pk: logs.read(
                    row.step.pk, max(1, row.step.log_lines - LOG_LINES + 1), LOG_LINES
                )
                for row in self.sight.steps
                if row.step.status == Status.RUNNING and row.step.log_lines
            }

    @property
    def job(self) -> Job:
        return self.sight.job

    def drawn(self, console: Console, height: int | None = None) -> RenderableType:
        """The tree; with a *height*, cut to so many rows, with what runs at the top."""
        rows = list(self.sight.steps)
        head = self._head()
        tree = Tree(head, guide_style="bright_black")
        # Without the head, and the line that tells what is not shown.
        left = (height or 10**9) - len(console.render_lines(head)) - 1
        width = max((len(row.step.name) for row in rows), default=0)
        if height is not None and len(rows) > left:
            rows.sort(key=lambda row: _URGENCY[Status(row.step.status)])
        shown = 0
        for row in rows:
            lines = self._below(row, console.width - 8)
            if 1 + len(lines) > left:
                lines = []
            if left < 1:
                break
            branch = tree.add(self._step(row, min(width, console.width // 3)))
            for line in lines:
                branch.add(line)
            left -= 1 + len(lines)
            shown += 1
        total = sum(count.total() for count in self.sight.counts.values())
        if shown < total:
            tree.add(Text(f"and {total - shown:,} more", style="dim"))
        return tree

    def _head(self) -> RenderableType:
        job = self.job
        head = _badge(job.status)
        head.append(f" {job.definition} #{job.pk}", style="bold")
        if job.started_at:
            head.append(f"  {_took(job.started_at, job.ended_at)}")
        counted: Counter[str] = sum(self.sight.counts.values(), Counter())
        for status in Status:
            if counted[status]:
                head.append(f"  {SIGNS[status]} {counted[status]} {status}", STYLES[status])
        if job.cancel_requested and not job.is_finished:
            head.append("  cancel requested", "yellow")
        if self.workers and not self.workers["live"]:
            head.append(f"\n{self.workers['note']}", "yellow")
        return head

    def _step(self, row: StepSight, width: int) -> RenderableType:
        step, attempt = row.step, row.attempt
        line = Table.grid(padding=(0, 1))
        line.add_column(width=11, no_wrap=True)
        line.add_column(width=width, no_wrap=True, overflow="ellipsis")
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(no_wrap=True)
        told = Text(f"attempt {step.attempt} " if step.attempt > 1 else "")
        cells: list[RenderableType] = [_badge(step.status), Text(step.name)]
        if step.status == Status.RUNNING and step.total is not None:
            bar = ProgressBar(step.total or 1, step.done or 0, width=20)
            told.append(f"{number(step.done)} / {number(step.total)} {step.progress_text}")
            cells.append(_beside(bar, told))
        else:
            told.append(self._why(row), "dim")
            cells.append(told)
        took = _took(attempt.started_at, attempt.ended_at) if attempt else ""
        line.add_row(*cells, Text(took, style="bright_black"))
        return line

    def _why(self, row: StepSight) -> str:
        """Why it waits, or what went wrong."""
        if row.step.status == Status.PENDING:
            if row.step.waiting or not self.workers:
                return _plain(why_pending(row.step, row.attempt, row.waits_for))
            return _plain(self.workers["waits"].get(str(row.step.pk), [self.workers["note"]]))
        error = row.attempt.error if row.attempt else ""
        return error.splitlines()[0] if error else ""

    def _below(self, row: StepSight, width: int) -> list[Text]:
        late = self.workers.get("late", {}).get(str(row.step.pk), [])
        warning = [Text(line, style="yellow") for line in wrap(_plain(late), max(width, 20))]
        return warning + [
            Text(line.text.expandtabs(4), style="bright_black", no_wrap=True, overflow="ellipsis")
            for line in self.lines.get(row.step.pk, ())
        ]


_URGENCY = {
    status: rank
    for rank, status in enumerate(
        (
            Status.RUNNING,
            Status.FAILED,
            Status.PENDING,
            Status.CANCELLED,
            Status.SUCCEEDED,
            Status.SKIPPED,
        )
    )
}


def tracebacks_of(job_id: int) -> Group:
    """Why each failed step failed, whole."""
    failed = Step.objects.filter(job=job_id, status=Status.FAILED).order_by("position")[:10]
    texts = []
    for step in failed:
        attempt = Attempt.objects.filter(step=step).order_by("number").last()
        if attempt and (attempt.traceback or attempt.error):
            texts.append(Text(f"\n{step.name}", style="bold red"))
            texts.append(Text((attempt.traceback or attempt.error).rstrip()))
    return Group(*texts)


def _badge(status: str) -> Text:
    return Text(f"{SIGNS[Status(status)]} {status}", style=STYLES[Status(status)])


def _beside(*cells: RenderableType) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_row(*cells)
    return line


def _plain(words: Iterable[Any]) -> str:
    """A sentence, with its moments in the time zone of the terminal."""
    return "".join(word if isinstance(word, str) else _clock(word) for word in words)


def _clock(at: datetime | dict[str, str]) -> str:
    at = datetime.fromisoformat(at["at"]) if isinstance(at, dict) else at
    return f"{at.astimezone():%H:%M:%S}"


def _took(start: datetime, end: datetime | None) -> str:
    seconds = ((end or datetime.now(UTC)) - start).total_seconds()
    return duration(seconds) if end or seconds >= 60 else f"{max(0, int(seconds))} s"
