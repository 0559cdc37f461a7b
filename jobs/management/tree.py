"""A job as a tree in the terminal, read in one snapshot and cut to the space there is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text
from rich.tree import Tree

from .. import database, logs
from ..code_version import difference
from ..models import Step
from ..sentences import Link
from ..sight.failures import failures_of_job
from ..sight.job import read_overview
from ..sight.steps import StepRow
from ..sight.waiting import Facts, why_pending
from ..statuses import Status
from ..templatetags.truestep import number
from ..times import clock, duration, local
from ..usage import amounts_of, end_of

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
GUIDE_WIDTH = 4  # of the lines before a step
BADGE_WIDTH = 11
BAR_WIDTH = 20


class JobTree:
    """A job and its steps; below the running ones, warnings and their newest log lines."""

    def __init__(self, job_id: int, most_steps: int, workers: Facts | None) -> None:
        """*workers* is what ``read_workers`` returned last. Raises Job.DoesNotExist."""
        with database.snapshot():
            overview = read_overview(job_id, most_steps)
            self.job, self.steps, self.counts = overview.job, overview.steps, overview.counts
            self.workers: Facts = workers or {}
            self.lines = {
                row.step.pk: logs.read(
                    row.step.pk, max(1, row.step.log_lines - LOG_LINES + 1), LOG_LINES
                )
                for row in self.steps
                if row.step.status == Status.RUNNING and row.step.log_lines
            }

    def render(self, console: Console, height: int | None = None) -> RenderableType:
        """The tree; with a *height* cut to so many rows, the most urgent steps first."""
        rows = list(self.steps)
        head = self._head()
        tree = Tree(head, guide_style="bright_black")
        # Without the head, and the line that says how many steps are not shown.
        left = (height or 10**9) - len(console.render_lines(head)) - 1
        width = max((len(row.step.name) for row in rows), default=0)
        if height is not None and len(rows) > left:
            rows.sort(key=lambda row: _URGENCY.index(Status(row.step.status)))
        shown = 0
        for row in rows:
            lines = self._below(row, console.width - 2 * GUIDE_WIDTH)
            if left < 1:
                break
            if 1 + len(lines) > left:
                lines = []
            branch = tree.add(self._step(row, min(width, console.width // 3), console))
            for line in lines:
                branch.add(line)
            left -= 1 + len(lines)
            shown += 1
        total = self.counts.total()
        if shown < total:
            tree.add(Text(f"and {total - shown:,} more", style="dim"))
        return tree

    def _head(self) -> RenderableType:
        job = self.job
        head = _badge(job.status)
        head.append(f" {job.definition} #{job.pk}", style="bold")
        if job.started_at:
            head.append(f"  {_took(job.started_at, job.ended_at)}")
        if left := self.workers and plain(self.workers["expected"]["left"]):
            head.append(f"  {left}", "bright_black")
        for status in Status:
            if count := self.counts[status]:
                head.append(f"  {SIGNS[status]} {count} {status}", STYLES[status])
        if job.cancel_requested and not job.is_finished:
            head.append("  deadline passed" if job.deadline_at else "  cancel requested", "yellow")
        elif job.deadline_at and not job.is_finished:
            head.append(f"  deadline {local(job.deadline_at)}", "bright_black")
        if nobody := self.workers and plain(self.workers["nobody"]):
            head.append(f"\n{nobody}", "yellow")
        return head

    def _step(self, row: StepRow, width: int, console: Console) -> Text:
        """One line. A table would cost several times as much for every step each time."""
        step, attempt = row.step, row.attempt
        name = Text(step.name)
        name.truncate(width, overflow="ellipsis", pad=True)
        badge = _badge(step.status)
        badge.truncate(BADGE_WIDTH, pad=True)
        detail = Text(f"attempt {step.attempt} " if step.attempt > 1 else "")
        if step.status == Status.RUNNING and step.total is not None:
            detail = Text(" ").join([_bar(step, console), detail])
            text = " ".join(step.progress_text.split())
            detail.append(f"{number(step.done)} / {number(step.total)} {text}")
        else:
            detail.append(self._why(row), "dim")
        took = _took(attempt.started_at, attempt.ended_at) if attempt else ""
        taken = GUIDE_WIDTH + BADGE_WIDTH + width + len(took) + 3
        detail.truncate(console.width - taken, overflow="ellipsis")
        line = Text(" ", no_wrap=True, overflow="ellipsis")
        return line.join([badge, name, detail, Text(took, style="bright_black")])

    def _why(self, row: StepRow) -> str:
        """Why it waits, or what went wrong."""
        if row.step.status != Status.PENDING:
            return row.error.splitlines()[0] if row.error else _used(row)
        if (row.step.waiting and not row.key) or not self._is_current(row):
            return plain(why_pending(row.step, row.attempt, row.waits_for, row.key))
        return plain(self._why_ready(row.step))

    def _why_ready(self, step: Step) -> Iterable[Any]:
        """As the page says it."""
        said = self.workers["waits"].get(str(step.pk)) or self.workers["ready"].get(step.queue)
        return said or []

    def _is_current(self, row: StepRow) -> bool:
        """Whether what is known of the workers is not older than the step."""
        return bool(self.workers) and row.step.seq <= self.workers["seq"]

    def _expected(self, row: StepRow, width: int) -> list[Text]:
        """How long a running step usually takes, as the page says it."""
        is_known = row.step.status == Status.RUNNING and self._is_current(row)
        its = self.workers["expected"]["steps"].get(str(row.step.pk)) if is_known else None
        if not its:
            return []
        said = "; ".join(filter(None, [plain(its["longer"]), plain(its["usual"])]))
        style = "yellow" if its["longer"] else "bright_black"
        return [Text(line, style=style) for line in wrap(said, max(width, 20))]

    def _below(self, row: StepRow, width: int) -> list[Text]:
        late = self.workers["late"].get(str(row.step.pk), []) if self._is_current(row) else []
        warning = [Text(line, style="yellow") for line in wrap(plain(late), max(width, 20))]
        warning += self._expected(row, width)
        if row.attempt and (died := end_of(row.attempt)):
            warning.append(Text(died, style="bright_black"))
        if differs := difference(row.code_version, self.job.code_version):
            warning.append(Text(differs, style="bright_black"))
        return warning + [
            Text(text.expandtabs(4), style="bright_black", no_wrap=True, overflow="ellipsis")
            for line in self.lines.get(row.step.pk, ())
            if line.is_shown
            for text in line.text.split("\n")[-LOG_LINES:]
        ]


_URGENCY = (  # the first ones are shown when there is no room for all
    Status.RUNNING,
    Status.FAILED,
    Status.PENDING,
    Status.CANCELLED,
    Status.SUCCEEDED,
    Status.SKIPPED,
)


def tracebacks_of(job_id: int) -> Group:
    """Why each failed step failed, in full."""
    texts = []
    for failure in failures_of_job(job_id, tracebacks=True):
        if failure.text:
            texts.append(Text(f"\n{failure.name}", style="bold red"))
            texts.append(Text(failure.text.rstrip()))
    return Group(*texts)


def _badge(status: str) -> Text:
    return Text(f"{SIGNS[Status(status)]} {status}", style=STYLES[Status(status)])


def _bar(step: Step, console: Console) -> Text:
    rendered = console.render(ProgressBar(step.total or 1, step.done or 0, width=BAR_WIDTH))
    bar = Text.assemble(*((segment.text, segment.style or "") for segment in rendered))
    bar.truncate(BAR_WIDTH, pad=True)  # without colours, the rest of the bar is not drawn
    return bar


def plain(words: Iterable[Any]) -> str:
    """A sentence, with its moments in the time zone of the terminal."""
    return "".join(map(_plain, words))


def _plain(word: str | datetime | Link | dict[str, str]) -> str:
    """A piece of a sentence, also of one as JSON."""
    if isinstance(word, str):
        return word
    if isinstance(word, Link):
        return word.text
    return word["text"] if isinstance(word, dict) and "text" in word else _moment(word)


def _used(row: StepRow) -> str:
    return amounts_of(row.attempt) if row.attempt else ""


def _moment(at: datetime | dict[str, str]) -> str:
    return local(datetime.fromisoformat(at["at"]) if isinstance(at, dict) else at)


def _took(start: datetime, end: datetime | None) -> str:
    if end:
        return duration((end - start).total_seconds())
    return clock((datetime.now(UTC) - start).total_seconds())
