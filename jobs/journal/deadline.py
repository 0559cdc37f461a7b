"""When a job has to end, and when somebody has to look at that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WARNED_AT = 0.8  # of the time to the deadline, a note warns of it


@dataclass
class Deadline:
    """The columns of a job that say so."""

    deadline_at: datetime | None = None
    due_at: datetime | None = None  # of the warning, then of the deadline itself

    @classmethod
    def after(cls, start: datetime, seconds: float | None) -> Deadline:
        """The deadline so many seconds after *start*; None: there is none."""
        if seconds is None:
            return cls()
        after = timedelta(seconds=seconds)
        return cls(deadline_at=start + after, due_at=start + WARNED_AT * after)
