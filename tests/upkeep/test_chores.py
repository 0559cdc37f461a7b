"""Sweeps end what no process runs any more, and fail what no worker knows."""

import json
import os
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils.html import escape

from jobs import audit, definitions, workers
from jobs.exceptions import Overtaken
from jobs.models import Attempt, Job, Step, Worker
from jobs.orchestrator import Claimant, cancel, claim, end_for_others, finish, launch, retry
from jobs.sight.failures import failures_of_job
from jobs.sight.job import read_job
from jobs.statuses import Verdict
from jobs.upkeep import Sweep, unknown_steps
from jobs.upkeep.lost_attempts import LostAttempts
from jobs.upkeep.unknown_steps import UnknownSteps
from tests.support import (
    Cost,
    drive,
    ended,
    job_of,
    journal,
    register_worker,
    returned,
    rows,
    rows_as_they_lie,
    step_of,
)
from tests.support.follower import Follower


@pytest.fixture
def other(database):
    """Another worker's registration and claimant."""
    return register_worker()


def die(registration):
    os.close(registration._lock)


def test_steps_of_a_dead_worker_fail_and_say_so(claimant, other):
    registration, lost = other
    job = launch("noop")
    [held] = claim(lost, room=1)
    die(registration)
    Sweep(claimant).run(held=())
    attempt = Attempt.objects.get()
    assert (step_of(job, "one").status, job_of(job.pk).status) == ("failed", "failed")
    assert attempt.error.startswith(f"The worker {registration.worker} is gone (killed or crashed)")
    assert job.journal.get(step=held.step_id, to_status="failed").reason == "its worker was lost"
    with pytest.raises(Overtaken):  # it was only slow, and comes too late
        finish(lost, held, returned(), room=0)


@pytest.mark.postgres
def test_lost_attempts_end_in_the_order_of_their_start(claimant, other):
    registration, lost = other
    job = launch("diamond")
    [top] = claim(lost, room=1)
    left, _ = finish(lost, top, returned(1), room=2)
    finish(lost, left, ended(Verdict.HANDED_BACK), room=0)
    claim(lost, room=1)
    die(registration)
    with rows_as_they_lie():
        Sweep(claimant).run(held=())
    assert [name for name, _, to in journal(job) if to == "failed" and name] == ["right", "left"]


@pytest.mark.parametrize("way", ["its worker is gone", "its process died"])
def test_a_cancelled_step_whose_process_died_becomes_cancelled(claimant, other, way):
    registration, lost = other
    job = launch("patient", {"gate": "/gate"})
    [held] = claim(lost, room=1)
    cancel(job.pk)
    if way == "its worker is gone":
        die(registration)
        Sweep(claimant).run(held=())
    else:
        finish(lost, held, ended(Verdict.DIED, "killed"), room=0)
    assert (step_of(job, "wait").status, job_of(job.pk).status) == ("cancelled", "cancelled")
    assert list(audit.differences()) == []


def test_steps_of_a_worker_without_a_row_fail(claimant, other):
    registration, lost = other
    job = launch("noop")
    claim(lost, room=1)
    registration.worker.delete()
    Sweep(claimant).run(held=())
    assert job_of(job.pk).status == "failed"


def test_steps_of_living_workers_are_left_alone(claimant, other):
    job, mine = launch("noop"), launch("noop")
    claims = [*claim(other[1], room=1), *claim(claimant, room=1)]
    assert {held.job_id for held in claims} == {job.pk, mine.pk}
    before = rows()
    Sweep(claimant).run(held={held.step_id for held in claims})
    assert rows() == before


@pytest.mark.parametrize(
    ("outcome", "status"), [(returned(), "succeeded"), (ended(Verdict.HANDED_BACK), "running")]
)
def test_a_step_that_moved_during_the_sweep_is_left_alone(
    claimant, other, monkeypatch, outcome, status
):
    """It has ended after all, or runs again as another worker's attempt."""
    registration, lost = other
    job = launch("noop")
    [held] = claim(lost, room=1)
    die(registration)

    def look_elsewhere(worker):
        finish(lost, held, outcome, room=0)
        if status == "running":
            claim(claimant, room=1)

    monkeypatch.setattr(workers, "is_gone", look_elsewhere)
    chore = LostAttempts(claimant)
    end_for_others(chore.lost(chore.running()[1]))
    assert step_of(job, "one").status == status


def test_a_job_deleted_during_the_sweep_is_left_alone(claimant, other, monkeypatch):
    registration, lost = other
    job = launch("noop")
    claim(lost, room=1)
    die(registration)
    monkeypatch.setattr(
        workers, "is_alive", lambda worker: not Job.objects.filter(pk=job.pk).delete()
    )
    chore = LostAttempts(claimant)
    end_for_others(chore.lost(chore.running()[1]))


def test_two_sweeps_fail_a_step_once(claimant, other):
    registration, lost = other
    job = launch("noop")
    claim(lost, room=1)
    die(registration)
    Sweep(claimant).run(held=())
    before = rows()
    Sweep(claimant).run(held=())
    assert rows() == before
    assert job.journal.filter(to_status="failed", step__isnull=False).count() == 1


def test_a_slow_sweep_pauses_longer_than_it_took(claimant, monkeypatch):
    clock = {"now": 100.0, "sweep takes": 0.0}

    def look_slowly():
        clock["now"] += clock["sweep takes"]

    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(workers, "mark_dead_workers", look_slowly)
    sweep = Sweep(claimant)
    assert sweep.is_due
    for clock["sweep takes"], rest in [(0, 0.4), (0.01, 0.39), (3, 12)]:
        sweep.run(held=())
        clock["now"] += rest - 0.02
        assert not sweep.is_due
        clock["now"] += 0.04
        assert sweep.is_due


# --- steps that no worker knows -------------------------------------------------------------------


@pytest.fixture
def diamond_desk(claimant):
    """The claimant of a worker that knows one step of diamond, and nothing of noop."""
    Worker.objects.update(knows={"diamond": ["top"]})
    return Claimant(claimant.worker, {"diamond": ["top"]})


@pytest.fixture
def stranger(diamond_desk):
    """A sweep by that worker."""
    return Sweep(diamond_desk)


def test_an_unknown_step_waits_for_the_grace_and_then_fails(stranger, settings):
    job = launch("noop")
    stranger.run(held=())
    assert step_of(job, "one").status == "pending"
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    stranger.run(held=())
    assert step_of(job, "one").status == "failed"
    reason = job.journal.get(to_status="failed", step__isnull=False).reason
    assert reason.startswith("no running worker knows step 'one' of 'noop'; waited")


def test_an_unknown_step_shows_that_reason_and_not_its_last_error(stranger, other, ada, settings):
    registration, gone = other
    job = launch("noop")
    [held] = claim(gone, room=1)
    finish(gone, held, ended(Verdict.HANDED_BACK, "boom"), room=0)
    die(registration)
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    for _ in range(2):
        stranger.run(held=())
    reason = job.journal.get(to_status="failed", step__isnull=False).reason
    assert read_job(job.pk).steps[0].error == reason
    assert [failure.line for failure in failures_of_job(job.pk)] == [f"one: {reason}"]
    out = StringIO()
    call_command("show", str(job.pk), "--json", stdout=out)
    shown = json.loads(out.getvalue())
    assert (shown["job"]["error"], shown["steps"][0]["error"]) == (f"one: {reason}", reason)
    output = Follower(job)
    output.look()
    assert not any("│" in line for line in output.lines)
    out = StringIO()
    call_command("show", str(job.pk), stdout=out)
    assert "no running worker knows step 'one'" in out.getvalue()
    assert "boom" not in out.getvalue()
    assert escape(reason) in ada.get(f"/jobs/{job.pk}/").text
    assert f"<pre>{escape(reason)}</pre>" in ada.get(f"/admin/truestep/job/{job.pk}/change/").text


def test_a_step_that_another_living_worker_knows_keeps_waiting(stranger, other, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    job = launch("noop")
    stranger.run(held=())
    stranger.run(held=())
    assert step_of(job, "one").status == "pending"
    die(other[0])
    stranger.run(held=())
    stranger.run(held=())
    assert step_of(job, "one").status == "failed"


def test_the_grace_restarts_after_a_worker_knew_the_step(diamond_desk):
    chore = UnknownSteps(diamond_desk)
    job = launch("noop")
    chore.run(held=())
    assert list(chore._unknown_since) == [step_of(job, "one").pk]
    registration = workers.register(slots=1, knows=definitions.known_steps())
    chore.run(held=())
    assert chore._unknown_since == {}
    registration.deregister()


def test_a_sweep_reads_some_ready_steps_and_the_next_continues(
    diamond_desk, stranger, settings, monkeypatch
):
    """However many are ready; in a job with many, it continues in the middle of the job."""
    monkeypatch.setattr(unknown_steps, "MOST_LOOKED_AT", 3)
    jobs = [launch("noop"), launch("fifty_wide"), launch("noop")]
    ready = list(Step.objects.ready().order_by("job", "position"))
    chore = UnknownSteps(diamond_desk)
    for sweep in range(len(ready) // 3 + 1):
        assert [step.pk for step in chore.next_ready()] == [
            step.pk for step in ready[sweep * 3 : sweep * 3 + 3]
        ]
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    for _ in range(2 * (len(ready) // 3 + 1)):
        stranger.run(held=())
    assert {job_of(job.pk).status for job in jobs} == {"failed"}


def test_all_unknown_steps_of_a_job_fail_in_one_batch(stranger, settings):
    launch("fifty_wide")
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    stranger.run(held=())
    with Cost() as cost:
        stranger.run(held=())
    assert (Job.objects.get().status, cost.commits) == ("failed", 1)


def test_an_unknown_step_that_waits_for_dependencies_does_not_fail(stranger, claimant, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    job = launch("diamond")
    for _ in range(2):
        stranger.run(held=())
    assert set(job.steps.values_list("status", flat=True)) == {"pending"}
    Worker.objects.update(knows=claimant.knows)
    drive(claimant, job)


# --- what goes back to the queue, uncharged -------------------------------------------------------


def test_a_step_interrupted_too_often_fails_and_lists_each_reason(claimant, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"crashes": 2}
    job = launch("noop")
    for reason in ("its worker froze", "its database was away", "its worker froze again"):
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.INTERRUPTED, reason), room=0)
    step = step_of(job, "one")
    assert (step.status, step.failures, step.interruptions) == ("failed", 0, 3)
    assert step.attempts.get(number=3).error.splitlines() == [
        "The step was interrupted 3 times in all (TRUESTEP['crashes']).",
        "Attempt 1: its worker froze.",
        "Attempt 2: its database was away.",
        "Attempt 3: its worker froze again.",
    ]
    retry(job.pk, "one")
    assert step_of(job, "one").interruptions == 0


def test_requeues_by_a_drain_are_not_limited(claimant, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"crashes": 1}
    job = launch("noop")
    for _ in range(5):
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    assert step_of(job, "one").status == "pending"
