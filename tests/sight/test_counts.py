"""How many steps have which status: remembered at a position, and moved on with the journal."""

import pytest

from jobs import database
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.sight import counts
from jobs.sight.counts import counts_of, total_of
from jobs.sight.failures import failures_of_job
from jobs.sight.job import context_of, read_job
from jobs.sight.positions import START, position_of
from jobs.sight.steps import FIRST_PAGE, StepPage
from jobs.statuses import Verdict
from tests.support import Cost, Instructions, drive, ended, returned


def counting(cost):
    return [sql for sql in cost.statements if "GROUP BY" in sql]


def test_the_counts_are_right_after_every_move(claimant):
    """From the start, and from each position on the way."""
    job = launch("fifty_wide")
    before = position_of(job.pk)

    def outcome(held):
        nonlocal before
        new = read_job(job.pk, before)
        assert new.counts == read_job(job.pk).counts == counts_of(job.pk)
        before = new.position
        return ended(Verdict.FAILED) if held.name == "s007" else returned()

    drive(claimant, job, outcome)
    retry(job.pk)
    assert read_job(job.pk, before).counts == counts_of(job.pk)
    cancel(job.pk)
    assert read_job(job.pk).counts == counts_of(job.pk) == {
        FIRST_PAGE: {"succeeded": 48, "cancelled": 2}
    }  # fmt: skip


def test_steps_are_counted_once_however_often_a_job_is_read(claimant):
    job = launch("five_hundred_wide")
    [held] = claim(claimant, room=1)
    with Cost() as first:
        position = read_job(job.pk).position
    finish(claimant, held, returned(), room=1)
    with Cost() as later:
        read_job(job.pk, position)
        read_job(job.pk, START, StepPage(200))
    assert (len(counting(first)), len(counting(later))) == (1, 0)


def test_a_reader_that_is_too_far_behind_counts_again(claimant, monkeypatch):
    """Of two readers of a job, each at its own position, both get what there is now."""
    job = launch("fifty_wide")
    here = read_job(job.pk).position
    there = counts._remembered[job.pk]
    drive(claimant, job)
    newest = read_job(job.pk, here)
    monkeypatch.setattr("jobs.sight.positions.ENTRIES_SHOWN", 10)
    counts._remembered[job.pk] = there
    with Cost() as cost:
        assert read_job(job.pk).counts == newest.counts
    assert len(counting(cost)) == 1


def test_an_entry_of_another_copy_of_the_database_is_not_believed(claimant):
    job = launch("diamond")
    read_job(job.pk)
    position, _ = counts._remembered[job.pk]
    wrong = {FIRST_PAGE: counts.Counter(failed=4)}
    counts._remembered[job.pk] = (position._replace(tag="restored"), wrong)
    assert read_job(job.pk).counts == {FIRST_PAGE: {"pending": 4}}


def test_only_some_jobs_are_remembered(database, monkeypatch):
    monkeypatch.setattr(counts, "MOST_REMEMBERED", 3)
    jobs = [launch("diamond").pk for _ in range(5)]
    for job_id in [*jobs, jobs[3]]:
        read_job(job_id)
    assert list(counts._remembered) == [jobs[2], jobs[4], jobs[3]]


def test_a_change_names_the_pages_whose_counts_it_changes(claimant):
    job = launch("five_hundred_wide")
    opened = read_job(job.pk)
    assert [page.first for page, _ in context_of(opened)["parts"]] == [0, 100, 200, 300, 400]
    claim(claimant, room=1)
    changed = read_job(job.pk, opened.position)
    assert context_of(changed)["parts"] == [(StepPage(0), [("pending", 99), ("running", 1)])]
    assert total_of(changed.counts) == {"pending": 499, "running": 1}


@pytest.mark.sqlite
@pytest.mark.parametrize("shape", ["wide", "deep"])
def test_reading_a_move_costs_the_same_in_50_steps_and_in_500(claimant, shape):
    def cost(name):
        job = launch(name)
        cancel(job.pk)
        retry(job.pk, job.steps.get(position=0).name)
        position = read_job(job.pk).position
        claim(claimant, room=1)
        with Instructions() as done:
            read_job(job.pk, position)
        drive(claimant, job)
        return done.count

    small, big = (cost(f"{size}_{shape}") for size in ("fifty", "five_hundred"))
    assert big < 2 * small  # a page shows 50 steps of one and 100 of the other


@pytest.mark.sqlite
def test_the_failures_of_a_job_are_found_by_an_index(claimant):
    job = drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))
    with Cost() as cost:
        assert failures_of_job(job.pk)
    [sql] = cost.statements
    plan = [line for *_, line in database.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("step_ready" in line for line in plan)
