"""Workers that want the same job at the same moment."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from jobs.journal import JobState
from jobs.models import Worker
from jobs.orchestrator import claim, claims, launch
from tests.support import register_worker, step_of


@pytest.fixture
def faster(claimant):
    registration, other = register_worker()
    yield other
    registration.deregister()


@pytest.fixture
def overtaken(faster, monkeypatch):
    """Call it with a number: that many times another worker claims while ``claimant`` decides."""
    start_ready = claims.start_ready

    def prepare(times):
        left = [faster] * times

        def start(batch, claimant, room):
            start_ready(batch, claimant, room)
            if claimant is not faster and left and batch.claims:
                claim(left.pop(), room=1)

        monkeypatch.setattr(claims, "start_ready", start)

    return prepare


@pytest.mark.parametrize("times", range(1, claims.OVERTAKEN_CLAIMS + 1))
def test_a_worker_that_was_overtaken_takes_the_next_job(claimant, overtaken, times):
    jobs = [launch("noop").pk for _ in range(6)]
    overtaken(times)
    [held] = claim(claimant, room=1)
    assert held.job_id == jobs[times]


def test_a_worker_that_was_overtaken_at_the_only_job_finds_nothing(claimant, overtaken):
    launch("noop")
    overtaken(1)
    assert claim(claimant, room=1) == []


def test_a_worker_looks_again_when_a_job_was_taken_before_it_was_read(
    claimant, faster, monkeypatch
):
    """It must not conclude that there is no work: on PostgreSQL nothing would wake it."""
    _, second = launch("noop").pk, launch("noop").pk
    left, load = [faster], JobState.load

    def loads(job_id):
        if left:
            claim(left.pop(), room=1)
        return load(job_id)

    monkeypatch.setattr(JobState, "load", loads)
    [held] = claim(claimant, room=1)
    assert held.job_id == second


def test_a_worker_whose_row_is_gone_claims_nothing(claimant):
    """In a restored database. It is no collision: the worker has to register again."""
    job = launch("noop")
    Worker.objects.all().delete()
    with pytest.raises(IntegrityError):
        claim(claimant, room=1)
    assert step_of(job, "one").status == "pending"
