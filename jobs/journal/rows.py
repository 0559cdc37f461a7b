"""New rows as plain records: a worker makes several for each step, and model instances cost more.

The fields are the columns of ``Transition`` and ``Attempt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..statuses import Kind, Verdict


@dataclass(slots=True, kw_only=True)
class Entry:
    """A journal entry that is not written yet."""

    job_id: int
    seq: int
    tag: str
    kind: Kind
    step_id: int | None = None
    attempt: int = 0
    from_status: str = ""
    to_status: str = ""
    at: datetime
    actor: str
    source: str
    code: str
    data: Mapping[str, Any]
    reason: str


@dataclass(slots=True, kw_only=True)
class AttemptRow:
    """An attempt as it begins or ends in a batch."""

    step_id: int
    number: int
    worker_id: int | None
    started_at: datetime
    ended_at: datetime | None = None
    verdict: Verdict | str = ""
    result: Any = None
    error: str = ""
    traceback: str = ""
