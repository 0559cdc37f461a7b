"""The lines and the progress of one attempt that its worker has not written yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import crashpoints, database, journal, news
from ..exceptions import Overtaken
from ..journal import Claim, LogMoved, LogTail
from ..models import LogChunk, Step, StepQuerySet
from ..runner import ERRORS, LEVELS
from . import groups, styles
from .styles import PLAIN, Style

CHUNK_LINES = 500
CHUNK_CHARACTERS = 256 * 1024  # a chunk may be longer by a line
MOST_LINES = 2000  # a book is full when so many lines wait …
MOST_BYTES = 4 * 1024 * 1024  # … or so many bytes


@dataclass
class LogBook:
    """Collects lines and progress of one attempt, and writes them in batches."""

    claim: Claim
    limit: int  # bytes of text kept of this attempt
    _lines: list[str] = field(default_factory=list)
    _levels: list[str] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)
    _progress: tuple[float, float, str] | None = None
    _style: Style = PLAIN  # in which the first of the lines begins …
    _group: int = 0  # … and the group that is open there
    _warnings: int = 0  # of the attempt
    _errors: int = 0
    _error_line: int = 0  # the number of the last one
    _open: str = ""  # what no newline has ended yet …
    _open_written: str | None = None  # … and as the database has it; None: not known
    _kept: int = 0
    _dropped: int = 0
    _waiting: int = 0  # bytes
    _sent: tuple[int, int] | None = None  # last number and count of lines that may be committed

    def __post_init__(self) -> None:
        self.last = self.claim.log_lines  # the number of the step's last line that is written

    def add(self, text: str, level: str = "i") -> None:
        size = len(text.encode()) + 1
        if self._dropped or self._kept + size > self.limit:
            self._dropped += 1
            return
        self._kept += size
        self._waiting += size
        self._note(text, level)

    def progress(self, done: float, total: float, text: str) -> None:
        self._progress = (done, total, text)

    def leave_open(self, text: str) -> None:
        """This is what the attempt has said since its last line, for those who look on now."""
        self._open = "" if self._dropped else text

    @property
    def is_dirty(self) -> bool:
        is_new = self._open != (self._open_written or "")
        return bool(self._lines) or self._progress is not None or is_new

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it should be written now."""
        return len(self._lines) >= MOST_LINES or self._waiting >= MOST_BYTES

    def close(self) -> None:
        """Add a last line that says how many lines were dropped; harmless to repeat."""
        if self._dropped:
            self._note(
                f"… {self._dropped:,} further lines are not kept: the log limit of "
                f"{self.limit:,} bytes was reached (TRUESTEP['log_bytes']) …",
                LEVELS["warning"],
            )
            self._dropped = 0

    def write(self) -> None:
        """Write all that waits in one transaction, under the attempt's fence.

        Raises Overtaken when another attempt or a cancel has taken the step.
        """
        self._forget_what_arrived()
        if not self.is_dirty:
            return
        try:
            self._write()
        except LogMoved:
            self.last = self._read_last()
            self._write()

    def _write(self) -> None:
        tail = self.tail()
        crashpoints.reach("log.before_begin")
        with database.write():
            journal.write_tail(tail)
            self._sent = (tail.last, len(self._lines))
            news.announce(self.claim.job_id)
            crashpoints.reach("log.before_commit")
        crashpoints.reach("log.after_commit")
        self.written(tail)

    def tail(self) -> LogTail:
        """All that waits, to be written by others; tell ``written`` when that was done."""
        self._forget_what_arrived()
        return LogTail(
            claim=self.claim,
            before=self.last,
            chunks=list(self._chunks(self.last + 1)),
            progress=self._progress,
            open_line=self._open_in_style(),
            warnings=self._warnings,
            errors=self._errors,
            error_line=self._error_line,
        )

    def written(self, tail: LogTail) -> None:
        """Forget what the tail has, which is in the database."""
        self._forget(tail.last - tail.before)
        self.last = tail.last
        self._progress = None
        self._open_written = self._open

    def _read_last(self) -> int:
        """Where the log really ends: a database that was restored may have a shorter one."""
        last = self._step().values_list("log_lines", flat=True).first()
        if last is None:
            raise Overtaken(f"attempt {self.claim.attempt} of {self.claim.name} lost its step")
        return last

    def _step(self) -> StepQuerySet:
        """The step's row, as long as this attempt holds it."""
        held = {"fence": self.claim.fence, "tag": self.claim.tag}
        return Step.objects.filter(pk=self.claim.step_id, **held)

    def _forget_what_arrived(self) -> None:
        """A write that failed has been committed when only the answer to COMMIT was lost."""
        if self._sent:
            last, lines = self._sent
            if self._step().filter(log_lines=last).exists():
                self._forget(lines)
                self.last = last
            self._sent = None

    def _forget(self, lines: int) -> None:
        """The first *lines* lines are written."""
        text = "\n".join(self._lines[:lines])
        self._style = styles.after(self._style, text)
        self._group = groups.after(self._group, text, self.last + 1)
        for waiting in (self._lines, self._levels, self._times):
            del waiting[:lines]
        self._waiting = sum(len(line.encode()) + 1 for line in self._lines)
        self._sent = None

    def _chunks(self, first: int) -> Iterator[LogChunk]:
        style, group = self._style, self._group
        for start, end in self._cuts():
            text = "\n".join(self._lines[start:end])
            yield LogChunk(
                step_id=self.claim.step_id,
                attempt=self.claim.attempt,
                first=first + start,
                last=first + end - 1,
                text=text,
                levels="".join(self._levels[start:end]),
                times=self._times[start:end],
                style=style.codes,
                in_group=group,
            )
            style = styles.after(style, text)
            group = groups.after(group, text, first + start)

    def _open_in_style(self) -> str:
        """What is open, beginning with the style that the waiting lines leave."""
        codes = styles.after(self._style, "\n".join(self._lines)).codes if self._open else ""
        return f"\x1b[{codes}m{self._open}" if codes else self._open

    def _cuts(self) -> Iterator[tuple[int, int]]:
        """Where each chunk of the waiting lines begins and ends."""
        start = size = 0
        for end, line in enumerate(self._lines, 1):
            size += len(line)
            if end - start == CHUNK_LINES or size >= CHUNK_CHARACTERS or end == len(self._lines):
                yield start, end
                start, size = end, 0

    def _note(self, text: str, level: str) -> None:
        self._lines.append(text)
        self._levels.append(level)
        if level != LEVELS["info"]:
            self._count(level)
        self._times.append(time.time_ns() // 1_000_000)

    def _count(self, level: str) -> None:
        """The last line of the book is a warning, an error, or neither."""
        self._warnings += level == LEVELS["warning"]
        if level in ERRORS:
            self._errors += 1
            self._error_line = self.last + len(self._lines)
