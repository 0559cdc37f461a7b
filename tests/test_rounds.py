"""A worker's round: what has ended and what starts are one transaction."""

from __future__ import annotations

import pytest

from jobs.exceptions import Overtaken
from jobs.logs import LogBook
from jobs.models import Step, Transition
from jobs.orchestrator import Ended, claim, finish, finish_and_claim, launch, launch_many
from jobs.statuses import Verdict
from tests.support import Cost, ended, job_of, returned, rows


def end_of(held, outcome=None):
    return Ended(held, outcome or returned(), LogBook(held, 0).tail())


def statuses(job):
    return list(Step.objects.filter(job=job).values_list("status", flat=True))


def test_a_chain_of_jobs_costs_a_commit_for_each_step_and_one_for_the_first_claim(claimant):
    """The end of a job and the claim of the next one are one transaction."""
    jobs = launch_many("noop", [{}] * 3)
    with Cost() as cost:
        claims = claim(claimant, room=1)
        while claims:
            claims = finish_and_claim(claimant, [end_of(*claims)], room=1)
    assert cost.commits == 3 * 5 + 1
    assert {job_of(job.pk).status for job in jobs} == {"succeeded"}


def test_several_ends_and_claims_are_one_commit(claimant):
    """Of one job and of several; each job's journal has them in order."""
    wide, *chains = launch("fifty_wide"), launch("noop"), launch("noop"), launch("noop")
    both = claim(claimant, room=2)
    assert {held.job_id for held in both} == {wide.pk}
    with Cost() as cost:
        claims = finish_and_claim(claimant, [end_of(held) for held in both], room=49)
    assert cost.commits == 1
    assert {held.job_id for held in claims} == {wide.pk, chains[0].pk, chains[1].pk}
    assert len(claims) == 49
    assert statuses(chains[1])[0] == "running"
    assert statuses(chains[2])[0] == "pending"


def test_a_round_without_room_only_records(claimant):
    job, other = launch("noop"), launch("noop")
    claims = finish_and_claim(claimant, [end_of(*claim(claimant, room=1))], room=0)
    assert claims == []
    assert statuses(job)[:2] == ["succeeded", "pending"]
    assert statuses(other)[0] == "pending"


def test_a_requeued_step_is_left_to_other_workers(claimant):
    job, other = launch("noop"), launch("noop")
    [held] = claim(claimant, room=1)
    [next_one] = finish_and_claim(claimant, [end_of(held, ended(Verdict.HANDED_BACK))], room=1)
    assert next_one.job_id == other.pk
    assert statuses(job)[0] == "pending"


def test_nothing_is_written_when_one_attempt_was_overtaken(claimant):
    launch("noop"), launch("noop")
    [first], [second] = claim(claimant, room=1), claim(claimant, room=1)
    finish(claimant, second, ended(Verdict.HANDED_BACK), room=0)
    before, remembered = rows(), {pk: state.job.seq for pk, state in claimant.jobs.items()}
    with pytest.raises(Overtaken, match="attempt 1 does not own it"):
        finish_and_claim(claimant, [end_of(first), end_of(second)], room=2)
    assert rows() == before
    assert {pk: state.job.seq for pk, state in claimant.jobs.items()} == remembered
    assert finish_and_claim(claimant, [end_of(first)], room=1)


def test_jobs_are_locked_in_one_order(claimant):
    """Two workers that end steps of the same two jobs would otherwise wait for each other."""
    jobs = [launch("noop").pk for _ in range(3)]
    held = [claim(claimant, room=1)[0] for _ in jobs]
    last = Transition.objects.latest("pk").pk
    finish_and_claim(claimant, [end_of(each) for each in reversed(held)], room=0)
    written = Transition.objects.filter(pk__gt=last).order_by("pk")
    assert list(written.values_list("job", flat=True)) == jobs
