"""Why a step failed: the one answer for page, list, admin, terminal and JSON."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from .. import database
from ..codes import words
from ..models import Attempt
from ..statuses import Status

MOST_FAILURES = 10  # of a job, in one reading
LINE = 300  # characters


class Failure(NamedTuple):
    """A failed step, and why it failed."""

    step_id: int
    name: str
    error: str  # empty when its attempt left no words
    traceback: str

    @property
    def line(self) -> str:
        """The step's name and the first line of its error."""
        return f"{self.name}: {(self.error or 'failed').splitlines()[0][:LINE]}"

    @property
    def text(self) -> str:
        """The traceback, or the error of a step without one."""
        return self.traceback or self.error


def failures_of_job(job_id: int, *, tracebacks: bool = False) -> list[Failure]:
    """The first MOST_FAILURES failed steps of a job; without *tracebacks* those are empty."""
    # A failed step waits for nothing; saying so makes the database use the index of ready steps.
    condition = "s.job_id = %s AND s.status = %s AND s.waiting = 0 ORDER BY s.position LIMIT %s"
    return _read(condition, job_id, Status.FAILED, MOST_FAILURES, tracebacks=tracebacks)


def failures_of_steps(steps: Collection[int]) -> dict[int, Failure]:
    """The failures of these failed steps, by the steps' ids, without tracebacks."""
    if not steps:
        return {}
    found = _read(f"s.id IN ({database.placeholders(steps)})", *steps)
    return {failure.step_id: failure for failure in found}


def error_of_attempt(step_id: int, number: int) -> str:
    """The traceback of an attempt, or the error of one without; empty when it left neither."""
    found = Attempt.objects.filter(step=step_id, number=number).values_list("traceback", "error")
    traceback, error = found.first() or ("", "")
    return traceback or error


def _read(condition: str, *parameters: object, tracebacks: bool = False) -> list[Failure]:
    """A step that failed while it was pending was given up: its journal entry says why.

    The attempts that it may have had did not fail it. Any other step failed with its last attempt.
    """
    sql = f"""
        SELECT s.id, s.name, t.from_status, t.code, t.data, t.reason, a.error,
            {"a.traceback" if tracebacks else "''"}
        FROM truestep_step AS s
        LEFT JOIN truestep_transition AS t ON t.job_id = s.job_id AND t.seq = s.seq
        LEFT JOIN truestep_attempt AS a ON a.step_id = s.id AND a.number = s.attempt
        WHERE {condition}
    """
    failures = []
    for pk, name, from_status, code, data, reason, error, trace in database.rows(sql, *parameters):
        if from_status == Status.PENDING:
            failures.append(Failure(pk, name, str(words(code, json.loads(data), reason)), ""))
        else:
            failures.append(Failure(pk, name, error or "", trace or ""))
    return failures
