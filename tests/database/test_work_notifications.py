"""On PostgreSQL, a commit wakes an idle worker only if it leaves something to do for one."""

from __future__ import annotations

import select
from contextlib import closing

import pytest
from django.db import connection

from jobs.database import watch_commits
from jobs.orchestrator import answer_stacks, ask_for_stack, cancel, claim, finish, launch, retry
from jobs.statuses import Verdict
from tests.support import ended, register_worker, returned, wait_for
from tests.support.driving import write_log

pytestmark = pytest.mark.postgres


@pytest.fixture
def is_woken(transactional_db):
    """Whether what was committed since the last call wakes a worker."""
    connection.ensure_connection()
    with closing(watch_commits(of_work=True)) as watch:
        wait_for(lambda: watch.changed() and not watch.changed())

        def look():
            with connection.cursor() as cursor:  # what was committed before is reported by now
                cursor.execute("SELECT 1")
            select.select([watch], [], [], 0.3)
            return watch.changed()

        yield look


@pytest.fixture
def held(claimant, is_woken):
    """The first of the steps of a job, which are a chain."""
    launch("noop")
    assert is_woken()
    [held] = claim(claimant, room=1)
    assert not is_woken()
    return held


def test_progress_of_a_chain_wakes_no_one(claimant, held, is_woken):
    write_log(held, ["one line"])
    while following := finish(claimant, held, returned(), room=1):
        [held] = following
    assert not is_woken()


def test_a_step_that_no_one_has_started_wakes_workers(claimant, held, is_woken):
    finish(claimant, held, returned(), room=0)
    assert is_woken()


def test_a_question_where_a_step_is_wakes_workers_and_its_answer_does_not(held, is_woken):
    ask_for_stack(held.job_id, held.name)
    assert is_woken()
    answer_stacks({held.step_id: {"attempt": 1, "problem": "none"}})
    assert not is_woken()


def test_a_cancel_wakes_workers(held, is_woken):
    cancel(held.job_id)
    assert is_woken()


@pytest.mark.parametrize("verdict", [Verdict.INTERRUPTED, Verdict.HANDED_BACK])
def test_a_requeued_step_wakes_workers(claimant, held, is_woken, verdict):
    finish(claimant, held, ended(verdict), room=0)
    assert is_woken()


def test_a_pause_before_a_retry_wakes_workers(claimant, is_woken):
    """They have to know when it is over."""
    launch("flaky", {"failures": 1})
    assert is_woken()
    [before] = claim(claimant, room=1)
    [held] = finish(claimant, before, returned(), room=1)
    assert not is_woken()
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    assert is_woken()


def test_a_persons_retry_wakes_workers(claimant, held, is_woken):
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    is_woken()
    retry(held.job_id, held.name)
    assert is_woken()


def test_a_step_that_only_another_worker_knows_wakes_it(held, claimant, is_woken):
    _, stranger = register_worker(knows={"noop": [held.name]})
    stranger.worker = claimant.worker  # which has claimed the step
    assert finish(stranger, held, returned(), room=1) == []
    assert is_woken()
