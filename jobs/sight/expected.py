"""How long running steps usually take, which take longer, and when their job may end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import database
from ..models import Attempt, Job, Step
from ..plan import Plan
from ..sentences import Sentence, as_json, sentence
from ..statuses import UNFINISHED
from ..times import about, rfc3339, setting
from .run_times import LastRuns, RunTimes, last_runs

MOST_STEPS = 1000  # that have not ended: for more, there is no estimate …
MOST_NEEDS = 10_000  # … nor for more dependencies
ALIKE = 1.1  # p95 is not worth a word below so many times p50

Facts = dict[str, Any]


def read_expected(
    job: Job, running: Iterable[Attempt], slots: int, *, is_reliable: bool = True
) -> Facts:
    """What earlier runs say about an unfinished job.

    - ``steps``: of each running step, by its id, how long it ``usual``\\ ly takes, and whether this
      attempt takes ``longer``, as sentences
    - ``left``: a sentence about when the job ends
    - ``read_at``: when those runs were read

    *running* are the attempts that run, with their steps; *slots* is how many steps the job's
    workers run side by side. What is not *is_reliable* gets no estimate: a worker may be dead.
    """
    runs, now = last_runs(job), timezone.now()
    elapsed = {each.step: (now - each.started_at).total_seconds() for each in running}
    may_estimate = is_reliable and bool(slots) and bool(elapsed) and not job.cancel_requested
    seconds = _seconds_left(job, runs, elapsed, slots) if may_estimate and runs.steps else None
    return {
        "steps": {
            str(step.pk): {name: as_json(said) for name, said in its.items()}
            for step, taken in elapsed.items()
            if (its := _about_step(step, runs.steps.get(step.name), taken))
        },
        "left": as_json([] if seconds is None else _left(seconds)),
        "read_at": rfc3339(runs.read_at),
    }


def _about_step(step: Step, times: RunTimes | None, elapsed: float) -> dict[str, Sentence]:
    longer: Sentence = []
    if step.warn_after is not None and elapsed > step.warn_after:
        said = _("runs for longer than {warn_after}")
        longer = sentence(said, warn_after=setting(step.warn_after))
    elif times and elapsed > times.longest_usual:
        longer = [_("longer than usual")]
    said_of = {"usual": _usual(times) if times else [], "longer": longer}
    return said_of if any(said_of.values()) else {}


def _usual(times: RunTimes) -> Sentence:
    typical, most = about(times.typical), about(times.longest_usual, rounds_up=True)
    if typical == most or times.longest_usual < ALIKE * times.typical:
        return sentence(_("usually {typical}"), typical=typical)
    return sentence(_("usually {typical}, rarely over {most}"), typical=typical, most=most)


def _left(seconds: float) -> Sentence:
    if seconds < 10:
        return [_("a few seconds left")]
    coarse = -(-seconds // 10) * 10 if seconds < 100 else seconds
    return sentence(_("about {time} left"), time=about(coarse, rounds_up=True))


def _seconds_left(job: Job, runs: LastRuns, elapsed: dict[Step, float], slots: int) -> float | None:
    """How long the longest path through the steps that have not ended takes.

    All of them together cannot take less than their share of the slots. None: nobody knows, since
    one of them has not run often enough, or takes longer than it ever did.
    """
    sql = f"""
        SELECT id, name, not_before FROM truestep_step
        WHERE job_id = %s AND status || '' IN ({database.placeholders(UNFINISHED)})
        ORDER BY position LIMIT {MOST_STEPS + 1}
    """
    steps = list(Step.objects.raw(sql, [job.pk, *map(str, UNFINISHED)]))
    taken = {step.pk: seconds for step, seconds in elapsed.items()}
    now, left = timezone.now(), dict[int, float]()
    for step in steps:
        times = runs.steps.get(step.name)
        seconds = times.left(taken.get(step.pk, 0.0)) if times else None
        if seconds is None:
            return None
        left[step.pk] = seconds + _pause(step.not_before, now)
    if len(steps) > MOST_STEPS or (needs := _needs(left)) is None:
        return None
    ends: dict[int, float] = {}
    for pk in Plan(needs).order:
        ends[pk] = left[pk] + max((ends[needed] for needed in needs[pk]), default=0.0)
    return max(max(ends.values(), default=0.0), sum(left.values()) / slots)


def _pause(until: datetime | None, now: datetime) -> float:
    return max(0.0, (until - now).total_seconds()) if until else 0.0


def _needs(steps: Collection[int]) -> dict[int, list[int]] | None:
    """What each of these steps needs of them; None when that is too much to read."""
    needs: dict[int, list[int]] = {pk: [] for pk in steps}
    sql = f"""
        SELECT step_id, needed_id FROM truestep_need WHERE step_id BETWEEN %s AND %s
        LIMIT {MOST_NEEDS + 1}
    """
    pairs = database.rows(sql, min(steps), max(steps)) if steps else []
    for step_id, needed_id in pairs:
        if step_id in needs and needed_id in needs:
            needs[step_id].append(needed_id)
    return needs if len(pairs) <= MOST_NEEDS else None
