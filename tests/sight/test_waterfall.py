"""When steps waited and ran, on the time axis of their job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from jobs.concurrency import Concurrency
from jobs.journal import draft
from jobs.models import Job, Step
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.sight import waterfall
from jobs.sight.waterfall import Axis, axis_of, bars_of
from jobs.statuses import Verdict
from tests.support import Cost, drive, ended, job_of, returned

LAUNCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """The clock of the journal, set by hand: seconds since the launch."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return LAUNCH + timedelta(seconds=self.seconds)


@pytest.fixture
def clock():
    clock = Clock()
    with patch.object(draft.timezone, "now", clock.now):
        yield clock


def launched(name, **options):
    job = launch(name, **options)
    Job.objects.filter(pk=job.pk).update(created_at=LAUNCH)
    return job_of(job.pk)


def bars(job):
    """By step: what it did, from and to which second of the job."""
    found = bars_of(job_of(job.pk), list(Step.objects.filter(job=job).order_by("position")))
    second = lambda at: at and round((at - LAUNCH).total_seconds(), 3)  # noqa: E731
    return {
        each.step.name: [(bar.kind, second(bar.start), second(bar.end)) for bar in each.bars]
        for each in found
    }


def test_a_step_waits_for_others_then_for_a_worker_then_runs(claimant, clock):
    job = launched("diamond")
    assert bars(job)["top"] == [("queued", 0, None)]
    assert bars(job)["bottom"] == [("waiting", 0, None)]
    clock.seconds = 2
    [top] = claim(claimant, room=1)
    assert bars(job)["top"] == [("queued", 0, 2), ("running", 2, None)]
    clock.seconds = 5
    finish(claimant, top, returned(), room=1)
    assert bars(job) == {
        "top": [("queued", 0, 2), ("succeeded", 2, 5)],
        "left": [("waiting", 0, 5), ("running", 5, None)],
        "right": [("waiting", 0, 5), ("queued", 5, None)],
        "bottom": [("waiting", 0, None)],
    }


def test_each_attempt_is_a_bar_and_so_is_the_time_between(claimant, clock):
    job = launched("flaky", params={"failures": "9"})
    [first] = claim(claimant, room=1)
    clock.seconds = 3
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=0)
    name = first.name
    assert bars(job)[name] == [("cancelled", 0, 3), ("between", 3, None)]
    clock.seconds = 7
    [second] = claim(claimant, room=1)
    clock.seconds = 8
    finish(claimant, second, ended(Verdict.FAILED), room=0)
    assert bars(job)[name][:3] == [("cancelled", 0, 3), ("between", 3, 7), ("failed", 7, 8)]


def test_what_a_bar_says(claimant, clock):
    job = launched("fails")
    clock.seconds = 2
    [fine] = claim(claimant, room=1)
    clock.seconds = 3.5
    [bad, *_] = finish(claimant, fine, returned(), room=2)
    clock.seconds = 4
    finish(claimant, bad, ended(Verdict.FAILED), room=0)
    fine, bad, skipped, sibling = bars_of(job_of(job.pk), list(job.steps.order_by("position")))
    assert fine.says == "waited for a worker 2.0 s, attempt 1: returned after 1.5 s"
    assert bad.says == "waited for other steps 3.5 s, attempt 1: failed after 500 ms"
    assert skipped.says == "no attempt"
    assert sibling.says == "waited for other steps 3.5 s, attempt 1: running"


def test_of_many_attempts_the_newest_are_drawn(claimant, clock, monkeypatch):
    monkeypatch.setattr(waterfall, "ATTEMPTS_DRAWN", 2)
    job = launched("noop")
    for _ in range(2):
        [held] = claim(claimant, room=1)
        clock.seconds += 1
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    claim(claimant, room=1)
    [one, *_] = bars_of(job_of(job.pk), list(job.steps.order_by("position")))
    assert [bar.attempt for bar in one.bars] == [2, 3]
    assert one.earlier == 1


def test_after_a_retry_by_a_person_it_waits_again(claimant, clock):
    job = launched("noop")
    [one] = claim(claimant, room=1)
    clock.seconds = 1
    finish(claimant, one, ended(Verdict.FAILED), room=0)
    assert bars(job)["one"] == [("failed", 0, 1)]
    clock.seconds = 9
    retry(job.pk)
    assert bars(job)["one"] == [("failed", 0, 1), ("between", 1, None)]


def test_while_its_job_waits_for_a_key_a_step_is_not_queued(claimant, clock):
    key = Concurrency(key="one", at_most=1)
    holder, job = launched("noop", concurrency=key), launched("noop", concurrency=key)
    assert bars(job)["one"] == [("waiting", 0, None)]
    clock.seconds = 4
    cancel(holder.pk)
    assert bars(job)["one"] == [("waiting", 0, 4), ("queued", 4, None)]


def test_a_page_of_steps_costs_the_same_few_statements(claimant):
    small, big = launch("diamond"), launch("thousand_wide")
    for job in (small, big):
        drive(claimant, job)
        steps = list(job.steps.order_by("position")[:100])
        with Cost() as cost:
            bars_of(job, steps)
        assert len(cost.statements) == 2


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (0, ["0", "200 ms", "400 ms", "600 ms", "800 ms", "1 s", "1.2 s"]),
        (3.2, ["0", "1 s", "2 s", "3 s", "4 s"]),
        (7, ["0", "2 s", "4 s", "6 s", "8 s"]),
        (200, ["0", "1 min", "2 min", "3 min", "4 min"]),
        (7000, ["0", "30 min", "1 h", "1 h 30 min", "2 h"]),
        (86400 * 9, ["0", "2 d", "4 d", "6 d", "8 d", "10 d"]),
    ],
)
def test_the_axis_of_a_job_that_runs_ends_at_the_next_mark(seconds, texts):
    axis = Axis(LAUNCH, None, LAUNCH + timedelta(seconds=seconds))
    assert [text for _, text in axis.marks] == texts
    assert axis.marks[0][0] == 0
    assert axis.marks[-1][0] == 100
    assert axis.place(None) < 100


def test_the_axis_of_a_job_that_has_ended_ends_with_it():
    axis = Axis(LAUNCH, LAUNCH + timedelta(seconds=7), LAUNCH + timedelta(days=9))
    assert [text for _, text in axis.marks] == ["0", "2 s", "4 s", "6 s"]
    assert axis.place(None) == 100
    assert axis.place(LAUNCH + timedelta(seconds=3.5)) == 50


def test_a_clock_that_was_set_back_leaves_the_axis_whole():
    axis = Axis(LAUNCH, None, LAUNCH - timedelta(seconds=5))
    assert axis.place(None) == axis.place(LAUNCH - timedelta(seconds=9)) == 0


def test_the_axis_of_a_job_begins_with_its_launch(claimant):
    job = drive(claimant, launch("noop"))
    axis = axis_of(job)
    assert (axis.start, axis.end) == (job.created_at, job.ended_at)
