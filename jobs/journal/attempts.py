"""An attempt as its worker holds it, and as it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..codes import Fact
from ..models import LogChunk, Step, Worker
from ..statuses import Verdict
from ..usage import UNKNOWN, Usage


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's hold on one attempt of a step. Everything it writes carries the fence."""

    job_id: int
    step_id: int
    name: str
    queue: str
    attempt: int
    fence: int
    tag: str  # of the journal entry that began it
    timeout: float | None
    warn_after: float | None
    started_at: datetime
    log_lines: int  # of the step, before this attempt

    @property
    def ids(self) -> dict[str, int]:
        """What a log record says about it, as its ``extra``."""
        return {"job": self.job_id, "step": self.step_id, "attempt": self.attempt}

    @classmethod
    def of(cls, step: Step, started_at: datetime) -> Claim:
        """The hold on the attempt that the step is in."""
        return cls(
            job_id=step.job_id,
            step_id=step.pk,
            name=step.name,
            queue=step.queue,
            attempt=step.attempt,
            fence=step.fence,
            tag=step.tag,
            timeout=step.timeout,
            warn_after=step.warn_after,
            started_at=started_at,
            log_lines=step.log_lines,
        )


@dataclass(frozen=True, kw_only=True)
class LogTail:
    """The end of an attempt's log that is not written yet, and how far the attempt has come."""

    claim: Claim
    before: int  # the number of the step's last line that is written
    chunks: list[LogChunk]
    progress: tuple[float, float, str] | None = None  # done, total, text
    open_line: str = ""  # what no newline has ended yet
    warnings: int = 0  # that the attempt has logged, with these …
    errors: int = 0  # … and errors,
    error_line: int = 0  # of which this is the number of the last one

    @property
    def last(self) -> int:
        """The number of the step's last line, with these."""
        return self.chunks[-1].last if self.chunks else self.before

    @property
    def is_empty(self) -> bool:
        return not self.chunks and self.progress is None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What is kept of an attempt that ends."""

    claim: Claim
    worker: Worker | None
    verdict: Verdict
    fact: Fact
    result: Any = None
    error: str = ""
    traceback: str = ""
    used: Usage = UNKNOWN
    tail: LogTail | None = None  # None: the row of the step says how long its log is
