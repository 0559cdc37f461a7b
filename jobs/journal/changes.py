"""What a batch has decided about one job, and the same as a document of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..models import Attempt, Job, LogChunk, Step, Transition
from ..plan import Plan
from .attempts import LogTail
from .rows import AttemptRow, Entry, Row, row_of
from .statements import CHARGED, JOB


@dataclass
class Changes:
    """What a batch has decided about one job, not written yet."""

    job: Job  # as it is going to be
    base_seq: int  # where its journal ended when the batch began …
    base_tag: str  # … and the tag of that entry
    plan: Plan[int]
    name: str  # of its crash points
    entries: list[Entry] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)  # steps
    attempts: dict[int, AttemptRow] = field(default_factory=dict)  # that begin or end, by step
    freed_by: dict[int, int] = field(default_factory=dict)  # succeeded step → seq of its entry
    charged: dict[int, Step] = field(default_factory=dict)  # whose counters or pause change
    taken_back: dict[int, Step] = field(default_factory=dict)  # by a person's retry
    unlocked_at: int | None = None  # seq of the entry that says that the job has its key
    tails: list[LogTail] = field(default_factory=list)  # of attempts that end
    intent: tuple[str, Any] | None = None  # what was asked for, and what came of it

    def document(self) -> dict[str, Any]:
        """The rows that the statements name."""
        job, successes = self.job, self.freed_by.items()
        return {
            "job": row_of(job, Job, ("id", *JOB)),
            "base_seq": self.base_seq,
            "base_tag": self.base_tag,
            "entries": [row_of(entry, Transition) for entry in self.entries],
            "moved": len(self.moved),
            "charged": [row_of(step, Step, ("id", *CHARGED)) for step in self.charged.values()],
            "takes_back": bool(self.taken_back),
            "locks": bool(self.taken_back) and job.awaits_key,
            "unlocked_at": self.unlocked_at,
            "successes": [{"step_id": pk, "seq": seq} for pk, seq in successes if self._frees(pk)],
            "attempts": [row_of(attempt, Attempt) for attempt in self.attempts.values()],
            **tails_document(self.tails),
        }

    def _frees(self, step_id: int) -> bool:
        """Whether steps that needed this one wait for others, or for room: else they start now."""
        return not self.moved.issuperset(self.plan.dependants[step_id])


def tails_document(tails: list[LogTail]) -> dict[str, list[Row]]:
    """The ends of logs as rows that the statements name."""
    chunks = [row_of(chunk, LogChunk) for tail in tails for chunk in tail.chunks]
    return {"tails": [_tail_row(tail) for tail in tails], "chunks": chunks}


def _tail_row(tail: LogTail) -> Row:
    held = tail.claim
    done, total, progress_text = tail.progress or (None, None, None)
    return {
        "step_id": held.step_id,
        "fence": held.fence,
        "tag": held.tag,
        "before": tail.before,
        "last": tail.last,
        "done": done,
        "total": total,
        "progress_text": progress_text,
        "open_line": tail.open_line,
        "warnings": tail.warnings,
        "errors": tail.errors,
        "error_line": tail.error_line,
    }
