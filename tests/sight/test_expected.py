"""What page and terminal expect of running steps, by earlier runs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone
from rich.console import Console

from jobs.management.tree import JobTree
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.sight import expected
from jobs.sight.run_times import LastRuns, RunTimes
from jobs.sight.waiting import read_workers
from tests.support import register_worker, returned
from tests.support.rendering import step_html

MINUTE = 60.0


@contextmanager
def runs(**seconds):
    """As if each of these steps had taken so long, and ten times as long once in twenty runs."""
    steps = {name: RunTimes((*[each] * 18, each * 10, each * 10)) for name, each in seconds.items()}
    with patch.object(expected, "last_runs", lambda job: LastRuns(steps, timezone.now())):
        yield


@contextmanager
def later(seconds):
    then = timezone.now() + timedelta(seconds=seconds)
    with patch.object(expected.timezone, "now", lambda: then):
        yield


def said(job, seconds=0.0):
    """About running steps by name, and about the end of the job."""
    with later(seconds):
        output = read_workers(job.pk)["expected"]
    names = {str(step.pk): step.name for step in job.steps.all()}
    about = {names[pk]: (*its["usual"], *its["longer"]) for pk, its in output["steps"].items()}
    return about, "".join(output["left"])


def test_nothing_is_said_without_history(claimant):
    job = launch("noop")
    claim(claimant, room=1)
    assert said(job) == ({}, "")
    with runs(one=40):
        assert said(job) == ({"one": ("usually 40 s, rarely over 7 min",)}, "")


def test_nothing_is_said_before_a_step_runs(claimant):
    job = launch("diamond")
    with runs(top=40, left=40, right=40, bottom=40):
        assert said(job) == ({}, "")


def test_a_step_that_takes_longer_than_usual(claimant):
    job = launch("noop")
    claim(claimant, room=1)
    with runs(one=40):
        assert said(job, 399)[0] == {"one": ("usually 40 s, rarely over 7 min",)}
        assert said(job, 401)[0] == {
            "one": ("usually 40 s, rarely over 7 min", "longer than usual")
        }


def test_a_step_that_runs_for_longer_than_its_author_wants(claimant):
    job = launch("bounded")
    claim(claimant, room=1)
    assert said(job, 6)[0] == {}
    assert said(job, 8)[0] == {"first": ("runs for longer than 7 s",)}
    with runs(first=1):
        assert said(job, 8)[0] == {
            "first": ("usually 1 s, rarely over 10 s", "runs for longer than 7 s")
        }


def test_a_job_takes_as_long_as_its_longest_path(claimant):
    job = launch("diamond")
    claim(claimant, room=2)
    with runs(top=MINUTE, left=2 * MINUTE, right=20 * MINUTE, bottom=3 * MINUTE):
        assert said(job)[1] == "about 24 min left"
        assert said(job, 30)[1] == "about 24 min left"
        assert said(job, 58)[1] == "about 24 min left"
    with runs(top=10, left=2, right=2, bottom=3):
        assert said(job)[1] == "about 20 s left"
        assert said(job, 9)[1] == "a few seconds left"
        assert said(job, 101)[1] == ""  # longer than ever


def test_steps_side_by_side_share_the_slots(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=2)
    finish(claimant, top, returned(), room=1)
    with runs(left=10 * MINUTE, right=10 * MINUTE, bottom=MINUTE):
        assert said(job)[1] == "about 11 min left"
        claimant.worker.slots = 1
        claimant.worker.save()
        assert said(job)[1] == "about 21 min left"


def test_a_pause_before_a_retry_counts(claimant):
    job = launch("diamond")
    claim(claimant, room=2)
    with runs(top=MINUTE, left=MINUTE, right=MINUTE, bottom=MINUTE):
        assert said(job)[1] == "about 3 min left"
        later_on = timezone.now() + timedelta(minutes=10)
        job.steps.filter(name="right").update(not_before=later_on)
        assert said(job)[1] == "about 13 min left"
        job.steps.update(not_before=None)


def test_a_job_that_is_cancelled_or_whose_worker_is_lost_has_no_estimate(claimant):
    registration, other = register_worker()
    job = launch("diamond")
    claim(other, room=1)
    with runs(top=MINUTE, left=MINUTE, right=MINUTE, bottom=MINUTE):
        assert said(job)[1] == "about 3 min left"
        with patch("jobs.workers.is_gone", lambda worker: worker == registration.worker):
            assert said(job)[1] == ""
        cancel(job.pk)
        assert said(job)[1] == ""


@pytest.mark.parametrize("limit", ["MOST_STEPS", "MOST_NEEDS"])
def test_too_much_is_not_estimated(claimant, monkeypatch, limit):
    job = launch("diamond")
    claim(claimant, room=1)
    monkeypatch.setattr(expected, limit, 3)
    with runs(top=MINUTE, left=MINUTE, right=MINUTE, bottom=MINUTE):
        assert said(job) == ({"top": ("usually 60 s, rarely over 10 min",)}, "")


def test_the_terminal_says_so(claimant):
    job = launch("diamond")
    claim(claimant, room=1)
    console = Console(width=100, record=True, file=None)
    with runs(top=MINUTE, left=MINUTE, right=MINUTE, bottom=MINUTE), later(700):
        facts = read_workers(job.pk)
    with console.capture() as captured:
        console.print(JobTree(job.pk, 10, facts).render(console))
    assert "longer than usual; usually 60 s, rarely over 10 min" in captured.get()


def test_a_fragment_has_room_for_it(claimant):
    job = launch("noop")
    claim(claimant, room=1)
    assert 'class="usual"' in step_html(job, "one")
