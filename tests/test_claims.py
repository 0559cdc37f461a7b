"""Workers that want the same job at the same moment."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from jobs import definitions, workers
from jobs.models import Worker
from jobs.orchestrator import Claimant, claim, claims, launch
from tests.support import step_of


@pytest.fixture
def faster(desk):
    knows = definitions.known_steps()
    post = workers.register(slots=2, knows=knows)
    yield Claimant(worker=post.worker, knows=knows)
    post.deregister()


@pytest.fixture
def overtaken(faster, monkeypatch):
    """Call it with a number: that many times another worker claims while ``desk`` decides."""
    start_ready = claims.start_ready

    def prepare(times):
        left = [faster] * times

        def start(batch, claimant, room):
            start_ready(batch, claimant, room)
            if claimant is not faster and left and batch.claims:
                claim(left.pop(), room)

        monkeypatch.setattr(claims, "start_ready", start)

    return prepare


@pytest.mark.parametrize("times", range(1, claims.OVERTAKEN_CLAIMS + 1))
def test_a_worker_that_was_overtaken_takes_the_next_job(desk, overtaken, times):
    jobs = [launch("noop").pk for _ in range(6)]
    overtaken(times)
    [held] = claim(desk, room=1)
    assert held.job_id == jobs[times]


def test_a_worker_that_was_overtaken_at_the_only_job_finds_nothing(desk, overtaken):
    launch("noop")
    overtaken(1)
    assert claim(desk, room=1) == []


def test_a_worker_whose_row_is_gone_claims_nothing(desk):
    """In a restored database. It is no collision: the worker has to register again."""
    job = launch("noop")
    Worker.objects.all().delete()
    with pytest.raises(IntegrityError):
        claim(desk, room=1)
    assert step_of(job, "one").status == "pending"
