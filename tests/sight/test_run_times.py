"""How long steps ran in the last jobs of their definition."""

from __future__ import annotations

import pytest

from jobs.orchestrator import cancel, launch
from jobs.sight import run_times
from jobs.sight.run_times import RunTimes, last_runs
from jobs.statuses import Verdict
from tests.support import Cost, drive, ended, returned
from tests.support.driving import took


def roughly(seconds):
    return pytest.approx(seconds, abs=0.001)  # as exactly as SQLite knows moments


def test_the_times_of_the_last_runs(claimant):
    for seconds in range(1, 8):
        job = took(claimant, seconds)
    times = last_runs(job).steps
    assert times.keys() == {"one", "two", "three", "four", "five"}
    assert times["one"].seconds == roughly([1, 2, 3, 4, 5, 6, 7])
    assert times["one"].typical == roughly(4)
    assert times["one"].longest_usual == roughly(7)


def test_of_a_few_runs_nothing_is_known(claimant, monkeypatch):
    jobs = [took(claimant, 1) for _ in range(4)]
    assert not last_runs(jobs[0]).steps
    monkeypatch.setattr(run_times, "REMEMBERED_SECONDS", 0.0)
    took(claimant, 1)
    assert last_runs(jobs[0]).steps


def test_only_successes_count_and_only_of_the_same_definition(claimant):
    for _ in range(5):
        took(claimant, 1)
        job = took(claimant, 100, "diamond", lambda: ended(Verdict.FAILED))
        took(claimant, 100, "diamond")
    for _ in range(60):  # a backlog hides no runs
        cancel(launch("noop").pk)
        launch("noop")
    times = last_runs(launch("noop")).steps
    assert times["one"].seconds == roughly([1] * 5)
    assert last_runs(job).steps["top"].seconds == roughly([100] * 5)


def test_a_step_that_succeeds_in_failing_jobs_has_took(claimant):
    outcome = {"fine": returned, "bad": lambda: ended(Verdict.FAILED)}
    for _ in range(5):
        job = drive(claimant, launch("fails"), lambda held: outcome.get(held.name, returned)())
    assert job.status == "failed"
    assert "fine" in last_runs(job).steps
    assert "bad" not in last_runs(job).steps


def test_the_newest_runs_count(claimant, monkeypatch):
    monkeypatch.setattr(run_times, "RUNS", 5)
    for seconds in (100, 100, 1, 1, 1, 1, 1):
        job = took(claimant, seconds)
    assert last_runs(job).steps["one"].seconds == roughly([1] * 5)


def test_they_are_remembered_with_their_time(claimant, monkeypatch):
    for _ in range(5):
        job = took(claimant, 1)
    first = last_runs(job)
    with Cost() as cost:
        assert last_runs(job) is first
    assert not cost.statements
    monkeypatch.setattr(run_times, "REMEMBERED_SECONDS", 0.0)
    assert last_runs(job).read_at > first.read_at
    monkeypatch.setattr(run_times, "MOST_REMEMBERED", 1)
    last_runs(launch("diamond"))
    assert list(run_times._remembered) == ["diamond"]


def test_of_very_wide_jobs_nothing_is_read(claimant, monkeypatch):
    monkeypatch.setattr(run_times, "MOST_READ", 24)  # steps; five jobs have 25
    for _ in range(5):
        job = took(claimant, 1)
    assert not last_runs(job).steps


def test_what_is_left_of_runs_that_took_longer():
    times = RunTimes((1.0, 2.0, 3.0, 10.0, 20.0))
    assert [times.left(elapsed) for elapsed in (0, 2, 10, 20)] == [3.0, 8.0, 10.0, None]
    assert RunTimes(tuple(map(float, range(1, 41)))).longest_usual == 38.0
