"""Deadlines of jobs, and run times of which the journal warns."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from jobs import journal as jobs_journal
from jobs.codes import Code, Fact
from jobs.orchestrator import (
    cancel,
    claim,
    finish,
    heed_deadline,
    launch,
    note_long_run,
    retry,
)
from jobs.runner import Outcome
from jobs.statuses import Verdict
from jobs.upkeep import deadlines
from jobs.upkeep.deadlines import Deadlines
from tests.support import (
    drive,
    ended,
    error_of,
    finished,
    job_of,
    program,
    returned,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
)

SECOND = timedelta(seconds=1)


@contextmanager
def later(seconds):
    """As if so much time had passed."""
    now = timezone.now
    with patch.object(timezone, "now", lambda: now() + seconds * SECOND):
        yield


def sweep(claimant):
    Deadlines(claimant).run(held=())


def facts(job, *kinds):
    entries = job.journal.filter(kind__in=kinds or ["request", "note"]).order_by("seq")
    return list(entries.values_list("code", "data"))


def timed_out():
    passed = Fact(Code.STEP_DEADLINE_PASSED, {"deadline": 100})
    return Outcome(verdict=Verdict.TIMED_OUT, fact=passed, error=passed.sentence)


def requests(claimant, job):
    return jobs_journal.read_requests(claimant.worker.pk, [job.pk], [0])


# --- the deadline of a job ------------------------------------------------------------------------


def test_a_deadline_is_frozen_at_launch(claimant):
    job = job_of(launch("bounded").pk)
    assert job.deadline == 100
    assert job.deadline_at - job.created_at == 100 * SECOND
    assert job.due_at - job.created_at == 80 * SECOND
    assert step_of(job, "first").warn_after == 7
    other = job_of(launch("noop").pk)
    assert (other.deadline, other.deadline_at, other.due_at) == (None, None, None)
    assert step_of(other, "one").warn_after is None


def test_one_note_warns_of_a_deadline_that_is_near(claimant):
    job = launch("bounded")
    with later(79):
        sweep(claimant)
    assert facts(job) == []
    with later(81):
        for _ in range(2):
            sweep(claimant)
            heed_deadline(job.pk)  # another worker
    [(code, data)] = facts(job)
    assert (code, data["deadline"]) == ("note.deadline_near", 100)
    assert data["left"] == pytest.approx(19, abs=1)
    assert job.journal.get(kind="note").reason.endswith("s left of its deadline of 1 min 40 s")
    assert statuses(job) == {"first": "pending", "beside": "pending", "last": "pending"}


def test_no_step_starts_behind_the_deadline(claimant):
    waits, goes_on = launch("bounded"), launch("noop")
    with later(101):
        assert [held.job_id for held in claim(claimant, room=1)] == [goes_on.pk]
    assert job_of(waits.pk).status == "cancelled"
    assert facts(waits) == [("request.deadline", {"deadline": 100})]


def test_a_failure_behind_the_deadline_is_followed_by_no_attempt(claimant):
    job = launch("bounded")
    first, beside = claim(claimant, room=2)
    with later(101):
        assert finish(claimant, first, ended(Verdict.FAILED), room=1) == []
        assert finish(claimant, beside, returned(), room=1) == []
        sweep(claimant)
    assert statuses(job) == {"first": "cancelled", "beside": "succeeded", "last": "cancelled"}


def test_a_job_that_waits_is_cancelled_at_its_deadline(claimant):
    job = launch("bounded")
    with later(101):
        sweep(claimant)
    assert facts(job) == [("request.deadline", {"deadline": 100})]
    request = job.journal.get(kind="request")
    assert (request.actor, request.source) == ("", "worker")
    assert request.reason == "cancel at the deadline of 1 min 40 s"
    assert set(statuses(job).values()) == {"cancelled"}
    job = job_of(job.pk)
    assert (job.status, job.due_at) == ("cancelled", None)
    with later(200):
        sweep(claimant)
    assert len(facts(job)) == 1


def test_what_runs_at_the_deadline_fails_and_the_rest_is_cancelled(claimant):
    job = launch("bounded")
    first, beside = claim(claimant, room=2)
    assert not requests(claimant, job).overdue
    with later(101):
        sweep(claimant)
    assert (requests(claimant, job).overdue, requests(claimant, job).cancelled) == ({job.pk}, set())
    finish(claimant, beside, returned(), room=1)  # in the last moment
    finish(claimant, first, timed_out(), room=1)
    assert statuses(job) == {"first": "failed", "beside": "succeeded", "last": "cancelled"}
    assert error_of(job, "first") == "Ended at its job's deadline of 1 min 40 s."
    assert job_of(job.pk).status == "failed"
    assert claim(claimant, room=1) == []


def test_a_step_that_died_at_the_deadline_is_cancelled(claimant):
    job = launch("bounded")
    first, beside = claim(claimant, room=2)
    with later(101):
        sweep(claimant)
    finish(claimant, beside, ended(Verdict.LOST), room=1)
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=1)
    assert job_of(job.pk).status == "cancelled"


def test_a_person_who_cancels_first_leaves_no_deadline(claimant):
    job = launch("bounded")
    [first, beside] = claim(claimant, room=2)
    cancel(job.pk)
    with later(101):
        sweep(claimant)
    assert facts(job) == [("request.cancel", {})]
    assert (requests(claimant, job).cancelled, requests(claimant, job).overdue) == ({job.pk}, set())
    for held in (first, beside):
        finish(claimant, held, ended(Verdict.STOPPED), room=0)
    assert job_of(job.pk).status == "cancelled"


def test_a_job_that_has_ended_has_nothing_due(claimant):
    job = drive(claimant, launch("bounded"))
    assert (job.status, job.due_at) == ("succeeded", None)
    with later(101):
        sweep(claimant)
        heed_deadline(job.pk)
    assert facts(job) == []


def test_a_retry_has_the_whole_time_again(claimant):
    job = launch("bounded")
    with later(101):
        sweep(claimant)
        retry(job.pk)
        again = job_of(job.pk)
        assert 99 * SECOND < again.deadline_at - timezone.now() <= 100 * SECOND
        sweep(claimant)
    assert facts(job)[-1][0] == "request.retry"
    assert drive(claimant, job).status == "succeeded"


def test_a_deadline_of_a_deleted_job_is_nothing(claimant):
    job = launch("bounded")
    pk = job.pk
    job.delete()
    heed_deadline(pk)


def test_the_chore_knows_when_it_is_due(claimant):
    chore = Deadlines(claimant)
    chore.run(held=())
    assert chore.is_idle
    assert chore.due_at - time.monotonic() == pytest.approx(deadlines.LONGEST_PAUSE, abs=2)
    launch("bounded")
    with later(50):
        chore.run(held=())
    assert chore.due_at - time.monotonic() == pytest.approx(30, abs=2)
    with later(81):
        chore.run(held=())
        assert not chore.is_idle
        chore.run(held=())
    assert chore.due_at - time.monotonic() == pytest.approx(19, abs=2)


def test_more_due_jobs_than_one_run_looks_at(claimant, monkeypatch):
    monkeypatch.setattr(deadlines, "MOST_LOOKED_AT", 2)
    jobs = [launch("bounded") for _ in range(5)]
    chore = Deadlines(claimant)
    with later(101):
        while not chore.is_idle:
            chore.run(held=())
    assert {job_of(job.pk).status for job in jobs} == {"cancelled"}


def test_the_page_says_that_the_deadline_has_passed(ada, claimant):
    job = launch("bounded")
    claim(claimant, room=1)
    assert "deadline <time" in ada.get(f"/jobs/{job.pk}/").text
    with later(101):
        sweep(claimant)
    page = " ".join(ada.get(f"/jobs/{job.pk}/").text.split())
    assert "deadline passed; running steps are being stopped" in page
    assert "cancel at the deadline of 1 min 40 s requested" in page


# --- a step that runs for long --------------------------------------------------------------------


def test_a_long_run_is_noted_of_the_attempt_that_runs(claimant):
    job = launch("bounded")
    first, _ = claim(claimant, room=2)
    note_long_run(claimant, first)
    assert facts(job) == [("note.runs_long", {"attempt": 1, "warn_after": 7})]
    entry = job.journal.get(kind="note")
    assert (entry.reason, entry.step.name) == ("runs for longer than 7 s", "first")
    finish(claimant, first, returned(), room=0)
    note_long_run(claimant, first)  # too late
    assert len(facts(job)) == 1
    job.delete()
    claimant.jobs.clear()
    note_long_run(claimant, first)


# --- with workers ---------------------------------------------------------------------------------


def test_a_worker_notes_long_runs_and_ends_what_runs_at_the_deadline(worker):
    job = finished(launch("expires"))
    assert job.status == "failed"
    assert statuses(job) == {"work": "failed", "after": "cancelled"}
    assert verdicts(job, "work") == ["timed out"]
    assert error_of(job, "work") == "Ended at its job's deadline of 3 s."
    codes = [code for code, _ in facts(job)]
    assert codes == ["note.runs_long", "note.deadline_near", "request.deadline"]
    assert job.ended_at - job.deadline_at < 5 * SECOND


def test_a_worker_of_other_queues_heeds_deadlines(database):
    with program("worker", "--queues", "default") as other:
        other.wait_for_line("Worker with")
        assert finished(launch("elsewhere")).status == "cancelled"


def test_a_deadline_that_passed_while_no_worker_ran(database):
    job = launch("elsewhere")
    wait_for(lambda: timezone.now() > job_of(job.pk).deadline_at)
    with program("worker"):
        assert finished(job).status == "cancelled"
    assert [code for code, _ in facts(job)] == ["request.deadline"]


def test_each_attempt_that_runs_long_is_noted_once(database):
    job = launch("plods")
    for attempt in (1, 2):
        with program("worker"):
            wait_for(lambda many=attempt: len(facts(job)) == many)
            running(job, "plod")
    assert facts(job) == [
        ("note.runs_long", {"attempt": 1, "warn_after": 1}),
        ("note.runs_long", {"attempt": 2, "warn_after": 1}),
    ]
    cancel(job.pk)
