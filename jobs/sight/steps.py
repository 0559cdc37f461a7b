"""A page of a job's steps: the rows, their attempts, and what changes without a journal entry.

These reads run at each change of each job that somebody watches. They are written in SQL, since the
ORM takes several times as long to put such a statement together as the database to answer it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .. import database
from ..models import Attempt, Need, Step, Transition
from ..statuses import Status
from ..text import isolated
from .failures import given_up_of

STEPS_SHOWN = 100  # of a job, on one page
ATTEMPTS_SHOWN = 10  # of a step, side by side …
ERROR_SHOWN = 2000  # … and characters of the error, and of the traceback, of each
NAMES_SHOWN = 5  # steps that a step waits for; of more only the number is told


@dataclass(frozen=True, order=True)
class Part:
    """Some of a job's steps, by position: a page shows no more of a big job at once."""

    first: int = 0

    @property
    def end(self) -> int:
        """The position after the last one."""
        return self.first + STEPS_SHOWN

    def __contains__(self, position: int) -> bool:
        return self.first <= position < self.end


FIRST_PART = Part()


@dataclass(kw_only=True)
class StepSight:
    """A step as it is shown: the row, its current attempt, what it still waits for."""

    step: Step
    attempt: Attempt | None
    waits_for: list[str]  # names; empty when they are more than NAMES_SHOWN
    # When there are several: the newest ones, newest first, as far back as they may have changed;
    # their texts are cut.
    attempts: list[Attempt] = field(default_factory=list)
    given_up: str = ""  # why it failed while it was pending

    @property
    def error(self) -> str:
        """What went wrong: for a failed step, why it failed."""
        return self.given_up or (self.attempt.error if self.attempt else "")


Pulse = dict[str, dict[str, Any]]


# What runs waits for nothing; to say so leads to the index of what may start.
_RUNNING = f"job_id = %s AND status = '{Status.RUNNING}' AND waiting = 0"


def steps_since(job_id: int, since: int, part: Part) -> list[Step]:
    """The steps of a part that changed after *since*, and all that run."""
    sql = f"""
        SELECT * FROM truestep_step
        WHERE id IN (
            SELECT id FROM truestep_step
            WHERE job_id = %s AND seq > %s AND position >= %s AND position < %s
            UNION ALL SELECT id FROM truestep_step WHERE {_RUNNING}
        )
        ORDER BY position
    """
    return list(Step.objects.raw(sql, [job_id, since, part.first, part.end, job_id]))


def counts_of(job_id: int) -> dict[Part, Counter[str]]:
    sql = """
        SELECT position / %s AS part, status, count(*) FROM truestep_step
        WHERE job_id = %s GROUP BY part, status ORDER BY part
    """
    parts: dict[Part, Counter[str]] = {}
    for number, status, count in database.rows(sql, STEPS_SHOWN, job_id):
        parts.setdefault(Part(number * STEPS_SHOWN), Counter())[status] = count
    return parts


def pulse(job_id: int) -> Pulse:
    """The volatile values of the running steps of a job."""
    sql = f"""
        SELECT id, done, total, progress_text, log_lines FROM truestep_step WHERE {_RUNNING}
    """
    return pulse_of(Step.objects.raw(sql, [job_id]))


def pulse_of(steps: Iterable[Step]) -> Pulse:
    """The volatile values of these steps, absolute, by step id."""
    return {
        str(step.pk): {
            "done": step.done,
            "total": step.total,
            "text": isolated(step.progress_text),
            "lines": step.log_lines,
        }
        for step in steps
    }


def changed_attempts(journal: list[Transition]) -> dict[int, int]:
    """The oldest attempt of each step, by its id, that these entries changed or made.

    The first one, too, when the second began: alone, it was not shown among others.
    """
    oldest: dict[int, int] = {}
    for entry in journal:
        if entry.step_id and entry.attempt:
            number = 1 if entry.attempt == 2 else entry.attempt
            oldest[entry.step_id] = min(number, oldest.get(entry.step_id, number))
    return oldest


def with_attempts(steps: list[Step], oldest: dict[int, int] | None = None) -> list[StepSight]:
    """The steps with their current attempts and, of several, those from a step's *oldest* on."""
    current = _current_attempts([step.pk for step in steps if step.attempt])
    several = _several_attempts(steps, oldest or {})
    waiting = [step.pk for step in steps if step.status == Status.PENDING and step.waiting]
    waits = _unmet_needs(waiting)
    given_up = given_up_of([step.pk for step in steps if step.status == Status.FAILED])
    return [
        StepSight(
            step=step,
            attempt=current.get(step.pk),
            waits_for=waits.get(step.pk, []),
            attempts=several.get(step.pk, []),
            given_up=given_up.get(step.pk, ""),
        )
        for step in steps
    ]


def _current_attempts(steps: list[int]) -> dict[int, Attempt]:
    """The current attempts of these steps, by their steps' ids."""
    if not steps:
        return {}
    sql = f"""
        SELECT a.* FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id AND s.attempt = a.number
        WHERE s.id IN ({database.placeholders(steps)})
    """
    return {attempt.step_id: attempt for attempt in Attempt.objects.raw(sql, steps)}


def _several_attempts(steps: list[Step], oldest: dict[int, int]) -> dict[int, list[Attempt]]:
    """The newest attempts of these steps, newest first, with as much of their texts as is shown."""
    behind = {
        step.pk: min(step.attempt - oldest[step.pk], ATTEMPTS_SHOWN - 1)
        for step in steps
        if step.attempt > 1 and step.pk in oldest
    }
    if not behind:
        return {}
    sql = f"""
        SELECT a.id, a.step_id, a.number, a.started_at, a.ended_at, a.verdict, w.host, w.pid,
            substr(a.error, 1, {ERROR_SHOWN}) AS error_shown,
            CASE WHEN length(a.traceback) > {ERROR_SHOWN}
                THEN substr(a.traceback, length(a.traceback) - {ERROR_SHOWN} + 1)
                ELSE a.traceback END AS traceback_shown
        FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id
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


def _unmet_needs(steps: list[int]) -> dict[int, list[str]]:
    """The names of the steps that each of these still waits for, unless they are many."""
    names: dict[int, list[str]] = {}
    if steps:
        few = Need.objects.filter(step__in=steps, step__waiting__lte=NAMES_SHOWN)
        unmet = few.exclude(needed__status=Status.SUCCEEDED)
        for step_id, name in unmet.order_by("needed__position").values_list("step", "needed__name"):
            names.setdefault(step_id, []).append(name)
    return names
