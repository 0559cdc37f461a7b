"""A page of a job's steps: the rows, their attempts, and what changes without a journal entry.

These reads run at every change of every watched job. They are written in SQL because the ORM takes
several times as long to build such a statement as the database takes to answer it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .. import database
from ..models import Attempt, Need, Step, Transition
from ..statuses import Status
from ..text import isolated
from .failures import Failure, failures_of_steps

STEPS_SHOWN = 100  # of a job, on one page
ATTEMPTS_SHOWN = 10  # of a step
ERROR_SHOWN = 2000  # characters of the error, and of the traceback, of each of several attempts
NAMES_SHOWN = 5  # of the dependencies that a step waits for; of more, only their number


@dataclass(frozen=True, order=True)
class StepPage:
    """STEPS_SHOWN steps of a job, by position: a page shows no more of them."""

    first: int = 0

    @classmethod
    def of(cls, position: int) -> StepPage:
        """The page that shows the step at this position."""
        return cls(position - position % STEPS_SHOWN)

    @property
    def end(self) -> int:
        """The position after the last one."""
        return self.first + STEPS_SHOWN

    def __contains__(self, position: int) -> bool:
        return self.first <= position < self.end


FIRST_PAGE = StepPage()


@dataclass(kw_only=True)
class StepRow:
    """A step as it is shown, with its current attempt."""

    step: Step
    attempt: Attempt | None
    waits_for: list[str]  # names of unfinished dependencies; empty when more than NAMES_SHOWN
    # Of a step with several attempts: the newest ones, newest first, as far back as they may have
    # changed, with errors and tracebacks cut.
    attempts: list[Attempt] = field(default_factory=list)
    failure: Failure | None = None  # of a failed step
    key: str = ""  # of its job, if it waits for nothing but this key

    @property
    def code_version(self) -> str:
        """That of the worker of its attempt; empty where it is not known."""
        return getattr(self.attempt, "code_version", None) or ""

    @property
    def error(self) -> str:
        """What went wrong: for a failed step why it failed, else its last attempt's error."""
        if self.failure:
            return self.failure.error
        return self.attempt.error if self.attempt else ""


Pulse = dict[str, dict[str, Any]]  # step id → done, total, text, lines

# A running step waits for nothing; saying so makes the database use the index of ready steps.
_RUNNING = f"job_id = %s AND status = '{Status.RUNNING}' AND waiting = 0"


def steps_since(job_id: int, since: int, page: StepPage) -> list[Step]:
    """The steps of a page that changed after *since*, and all running steps of the job."""
    sql = f"""
        SELECT * FROM truestep_step
        WHERE id IN (
            SELECT id FROM truestep_step
            WHERE job_id = %s AND seq > %s AND position >= %s AND position < %s
            UNION ALL SELECT id FROM truestep_step WHERE {_RUNNING}
        )
        ORDER BY position
    """
    return list(Step.objects.raw(sql, [job_id, since, page.first, page.end, job_id]))


def pulse(job_id: int) -> Pulse:
    """The volatile values of the running steps of a job."""
    sql = f"""
        SELECT id, done, total, progress_text, log_lines, log_warnings, log_errors
        FROM truestep_step WHERE {_RUNNING}
    """
    return pulse_of(Step.objects.raw(sql, [job_id]))


def pulse_of(steps: Iterable[Step]) -> Pulse:
    """The volatile values of these steps, as absolute numbers."""
    return {
        str(step.pk): {
            "done": step.done,
            "total": step.total,
            "text": isolated(step.progress_text),
            "lines": step.log_lines,
            "warnings": step.log_warnings,
            "errors": step.log_errors,
        }
        for step in steps
    }


def oldest_changed_attempts(entries: list[Transition]) -> dict[int, int]:
    """The number of the oldest attempt that these entries started or ended, by step id.

    With a second attempt the first one counts as changed, too: alone it was not in the list.
    """
    oldest: dict[int, int] = {}
    for entry in entries:
        if entry.step_id and entry.attempt:
            number = 1 if entry.attempt == 2 else entry.attempt
            oldest[entry.step_id] = min(number, oldest.get(entry.step_id, number))
    return oldest


def rows_of(steps: list[Step], oldest: dict[int, int] | None = None) -> list[StepRow]:
    """These steps as they are shown; of several attempts those from the step's *oldest* on."""
    current = _current_attempts([step.pk for step in steps if step.attempt])
    several = _several_attempts(steps, oldest or {})
    waiting = {step.pk for step in steps if step.status == Status.PENDING and step.waiting}
    waits_for = _unfinished_dependencies(list(waiting))
    keys = _awaited_keys(
        [step for step in steps if step.pk in waiting and step.pk not in waits_for]
    )
    failures = failures_of_steps([step.pk for step in steps if step.status == Status.FAILED])
    return [
        StepRow(
            step=step,
            attempt=current.get(step.pk),
            waits_for=waits_for.get(step.pk, []),
            attempts=several.get(step.pk, []),
            failure=failures.get(step.pk),
            key=keys.get(step.pk, ""),
        )
        for step in steps
    ]


def _current_attempts(steps: list[int]) -> dict[int, Attempt]:
    """The current attempts of these steps, by step id."""
    if not steps:
        return {}
    sql = f"""
        SELECT a.*, w.code_version, j.code_version AS launched_with FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id AND s.attempt = a.number
        JOIN truestep_job AS j ON j.id = s.job_id
        LEFT JOIN truestep_worker AS w ON w.id = a.worker_id
        WHERE s.id IN ({database.placeholders(steps)})
    """
    return {attempt.step_id: attempt for attempt in Attempt.objects.raw(sql, steps)}


def _several_attempts(steps: list[Step], oldest: dict[int, int]) -> dict[int, list[Attempt]]:
    """The newest attempts of each step, newest first; errors and tracebacks as far as shown."""
    behind = {
        step.pk: min(step.attempt - oldest[step.pk], ATTEMPTS_SHOWN - 1)
        for step in steps
        if step.attempt > 1 and step.pk in oldest
    }
    if not behind:
        return {}
    sql = f"""
        SELECT a.id, a.step_id, a.number, a.started_at, a.ended_at, a.verdict, w.host, w.pid,
            a.exit_code, a.peak_memory, a.peak_is_shared, a.cpu_seconds,
            w.code_version, j.code_version AS launched_with,
            substr(a.error, 1, {ERROR_SHOWN}) AS error_shown,
            CASE WHEN length(a.traceback) > {ERROR_SHOWN}
                THEN substr(a.traceback, length(a.traceback) - {ERROR_SHOWN} + 1)
                ELSE a.traceback END AS traceback_shown
        FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id
        JOIN truestep_job AS j ON j.id = s.job_id
        LEFT JOIN truestep_worker AS w ON w.id = a.worker_id
        WHERE s.id IN ({database.placeholders(behind)}) AND a.number >= s.attempt - %s
        ORDER BY a.number DESC
    """
    found: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.raw(sql, [*behind, max(behind.values())]):
        shown = found.setdefault(attempt.step_id, [])
        if len(shown) <= behind[attempt.step_id]:
            shown.append(attempt)
    return found


def _awaited_keys(steps: list[Step]) -> dict[int, str]:
    """By step: the key of its job, of those that wait for one thing, which is no dependency."""
    locked = {step.pk: step.job_id for step in steps if step.waiting == 1}
    if not locked:
        return {}
    jobs = set(locked.values())
    sql = f"SELECT id, key FROM truestep_job WHERE id IN ({database.placeholders(jobs)})"
    key_of = dict(database.rows(sql, *jobs))
    return {pk: key_of[job_id] for pk, job_id in locked.items()}


def _unfinished_dependencies(steps: list[int]) -> dict[int, list[str]]:
    """The names of the dependencies that each step waits for, unless there are many."""
    names: dict[int, list[str]] = {}
    if steps:
        few = Need.objects.filter(step__in=steps, step__waiting__lte=NAMES_SHOWN)
        unfinished = few.exclude(needed__status=Status.SUCCEEDED)
        for step_id, name in unfinished.order_by("needed__position").values_list(
            "step", "needed__name"
        ):
            names.setdefault(step_id, []).append(name)
    return names
