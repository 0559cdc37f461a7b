"""What a step is given: the results of every step that it needs, directly or through others."""

from __future__ import annotations

import json
from typing import Any

from ..journal import JobState
from ..models import Attempt

MOST_KEPT = 8  # steps of a job, of what they were given: as many chains run side by side


def results_for(state: JobState, step_id: int) -> str:
    """Those results by the names of their steps, as a JSON object.

    A step with one dependency is given what that one was given, and its result. So the last step of
    a long chain costs no more than the first, as long as one worker runs it.
    """
    needed = state.plan.dependencies[step_id]
    before = state.given.pop(needed[0], None) if len(needed) == 1 else None
    if before is None:
        given = json.dumps(_results(state, state.plan.ancestors(step_id)))
    else:
        given = _joined(before, json.dumps(_results(state, list(needed))))
    state.given[step_id] = given
    if len(state.given) > MOST_KEPT:
        del state.given[next(iter(state.given))]
    return given


def _joined(one: str, other: str) -> str:
    """Two JSON objects as one; the second one is not empty."""
    return other if one == "{}" else f"{one[:-1]}, {other[1:]}"


def _results(state: JobState, steps: list[int]) -> dict[str, Any]:
    """The results of these steps, by name."""
    if unknown := [pk for pk in steps if pk not in state.results]:
        ended = Attempt.objects.filter(step__in=unknown).order_by("number")
        state.results |= dict(ended.values_list("step", "result"))
    return {state.steps[pk].name: state.results[pk] for pk in steps}
