"""The stack of a running step: a person asks, the step's worker answers.

Both write one row of the step, which is no part of its history: it may be overwritten at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from .. import crashpoints, database
from ..exceptions import StepNotRunning, UnknownStep
from ..models import StackRequest, Step
from ..statuses import Status

PAUSE = timedelta(seconds=2)  # from one question about a step to the next

# A question in the future is of a host whose clock is ahead: it must not keep others from asking.
_ASK = """
    INSERT INTO truestep_stackrequest (step_id, asked_at, answered_at, answer)
    VALUES (%s, %s, NULL, NULL)
    ON CONFLICT (step_id) DO UPDATE
    SET asked_at = excluded.asked_at, answered_at = NULL, answer = NULL
    WHERE truestep_stackrequest.asked_at <= %s OR truestep_stackrequest.asked_at > %s
"""
_ANSWER = """
    UPDATE truestep_stackrequest SET answered_at = %s, answer = %s
    WHERE step_id = %s AND answered_at IS NULL
"""
Answer = dict[str, Any]


def ask_for_stack(job_id: int, name: str) -> bool:
    """Ask the worker of a running step for its stack; False if it was asked just before.

    Raises UnknownStep and StepNotRunning.
    """
    step = Step.objects.filter(job=job_id, name=name).only("job_id", "name", "status").first()
    if step is None:
        raise UnknownStep(f"job {job_id}", name)
    if step.status != Status.RUNNING:
        raise StepNotRunning(str(step), step.status)
    now = timezone.now()
    times = map(_moment, (now, now - PAUSE, now + PAUSE))
    return bool(_write((_ASK, [step.pk, *times])))


def answer_stacks(answers: Mapping[int, Answer]) -> None:
    """Write the stacks that were asked for, by step."""
    field = StackRequest._meta.get_field("answer")
    now = _moment(timezone.now())
    _write(
        *(
            (_ANSWER, [now, field.get_db_prep_save(answer, database.connection), step_id])
            for step_id, answer in answers.items()
        )
    )


def _write(*statements: tuple[str, Sequence[Any]]) -> int:
    """How many rows were changed."""
    crashpoints.reach("stack.before_begin")
    with database.write():
        changed = sum(database.execute(sql, params) for sql, params in statements)
        crashpoints.reach("stack.before_commit")
    crashpoints.reach("stack.after_commit")
    return changed


def _moment(at: Any) -> Any:
    return database.connection.ops.adapt_datetimefield_value(at)
