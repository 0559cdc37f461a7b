"""What a move costs does not depend on how many steps its job has."""

import os

import pytest
from django.db import connection

from jobs import database, orchestrator, workers
from jobs.journal import JobState
from jobs.management.follow import LineFollower
from jobs.models import Attempt, Step, Worker
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.sight.job import read_job
from jobs.sight.job_list import ListWindow
from jobs.sight.positions import position_of
from jobs.sight.steps import FIRST_PAGE, StepPage, pulse
from jobs.sight.waiting import read_workers
from jobs.statuses import Kind, Verdict
from jobs.upkeep import Sweep
from tests.support import Cost, drive, ended, job_of, register_worker, returned, statuses


class Counting(dict):
    """Counts how often one of its values is read."""

    looks = 0

    def __getitem__(self, key):
        self.looks += 1
        return super().__getitem__(key)

    def values(self):
        for value in super().values():
            self.looks += 1
            yield value


def cost_of_moves(claimant, name, ends):
    """Statements and looks at steps of some moves in the middle of a job."""
    launch(name)
    held = claim(claimant, room=2)
    state = claimant.jobs[held[0].job_id]
    held += finish(claimant, held.pop(0), returned(), room=1)
    state.steps = steps = Counting(state.steps)
    with Cost() as cost:
        for end in ends:
            held += finish(claimant, held.pop(0), end, room=1)
    cancel(state.job.pk)
    return len(cost.statements), steps.looks


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["wide", "deep"])
@pytest.mark.parametrize(
    "ends", [[returned()] * 3, [returned(), ended(Verdict.HANDED_BACK)]], ids=["ends", "hands back"]
)
def test_a_move_costs_the_same_in_50_steps_and_in_500(claimant, shape, ends):
    small, big = (
        cost_of_moves(claimant, f"{size}_{shape}", ends) for size in ("fifty", "five_hundred")
    )
    assert small == big


def test_looking_for_work_does_not_load_unknown_jobs(claimant):
    launch("five_hundred_wide")
    stranger = orchestrator.Claimant(claimant.worker, {"noop": ["one"]})
    with Cost() as cost:
        assert claim(stranger, room=1) == []
    assert sum("truestep_need" in statement for statement in cost.statements) == 0
    job = launch("noop")
    assert [held.job_id for held in claim(stranger, room=1)] == [job.pk]


def test_a_wide_job_is_loaded_once_although_its_worker_pauses(claimant):
    job = launch("fifty_wide")
    finish(claimant, *claim(claimant, room=1), returned(), room=0)
    state = claimant.jobs[job.pk]
    for _ in range(3):
        claimant.forget(held=())
        [held] = claim(claimant, room=1)
        assert claimant.jobs[job.pk] is state
        finish(claimant, held, returned(), room=0)
    drive(claimant, job)
    claimant.forget(held=())
    assert claimant.jobs == {}


def test_a_batch_is_as_many_statements_however_many_steps_it_moves(claimant):
    """But for its journal, which SQLite takes some hundred values at a time."""

    def output(size, operation):
        with Cost() as cost:
            operation(size)
        return [sql[:30] for sql in cost.statements if not sql.startswith("INSERT")]

    sizes = [launch(f"{size}_wide").pk for size in ("fifty", "five_hundred")]
    for operation, few in [(cancel, 5), (retry, 6)]:
        small, big = (output(size, operation) for size in sizes)
        assert small == big
        assert len(small) <= few


@pytest.mark.parametrize(
    "read",
    [
        lambda job, position: pulse(job.pk),
        lambda job, position: read_job(job.pk, position),
        lambda job, position: read_workers(job.pk, {FIRST_PAGE}),
        lambda job, position: read_workers(job.pk),
        lambda job, position: LineFollower(job.pk, print, print, as_json=False).is_over(),
    ],
    ids=["pulse", "look", "workers", "workers of a terminal", "lines of a terminal"],
)
@pytest.mark.sqlite
def test_the_repeated_queries_of_an_open_page_use_an_index(claimant, read):
    """No reading goes through all steps of a job, but for the one that counts them by status."""
    job = launch("fifty_wide")
    [held] = claim(claimant, room=1)
    position = position_of(job.pk)
    finish(claimant, held, returned(), room=1)
    with Cost() as cost:
        read(job, position)
    for sql in cost.statements:
        if "truestep_step" in sql and "GROUP BY" not in sql:
            for *_, line in database.rows(f"EXPLAIN QUERY PLAN {sql}"):
                assert "(job_id=?)" not in line
                assert not line.startswith("SCAN truestep_step")


@pytest.mark.parametrize(
    "look",
    [
        lambda claimant: Sweep(claimant).run(held=()),
        orchestrator.next_retry,
        lambda claimant: workers.living(),
        lambda claimant: ListWindow().read(),
    ],
    ids=["sweep", "next retry", "workers", "list"],
)
@pytest.mark.sqlite
def test_what_is_asked_all_the_time_goes_by_what_there_is_now(claimant, look):
    """Neither through all workers that there ever were nor through all steps that could start."""
    launch("fifty_wide")
    with Cost() as cost:
        look(claimant)
    for sql in cost.statements:
        plan = [line for *_, line in database.rows(f"EXPLAIN QUERY PLAN {sql}")]
        assert not any(line.startswith("SCAN truestep_worker") for line in plan)
        assert "MIN(" not in sql or any("step_pausing" in line for line in plan)


def test_a_wide_job_is_loaded_once_however_many_other_attempts_end(claimant):
    registration, lost = register_worker(slots=10)
    launch("fifty_wide")
    claims = claim(lost, room=10)
    os.close(registration._lock)  # it dies
    with Cost() as cost:
        Sweep(claimant).run(held=())
    assert len(claims) == Attempt.objects.filter(verdict=Verdict.LOST).count() == 10
    assert sum("truestep_need" in statement for statement in cost.statements) == 1


def test_a_loaded_wide_job_is_not_reloaded_when_it_is_overtaken(claimant):
    job = launch("fifty_wide")
    claims = claim(claimant, room=10)
    cancel(job.pk)
    with Cost() as cost:
        for held in claims:
            orchestrator.note_refused(claimant, held)
    assert job.journal.filter(kind=Kind.NOTE).count() == 10
    assert sum("truestep_need" in statement for statement in cost.statements) == 0


def test_only_visible_steps_are_sent_one_by_one(claimant):
    """What steps wait for is sent for the page of steps that is open, not for thousands."""
    job = launch("five_hundred_wide")
    Worker.objects.update(knows={"five_hundred_wide": ["s000"]})
    output = read_workers(job.pk, {StepPage(0), StepPage(300)})["waits"]
    steps = Step.objects.filter(job=job, pk__in=output).order_by("position")
    assert [step.position for step in steps] == [*range(1, 100), *range(300, 400)]


def test_a_retry_looks_at_each_arrow_of_a_wide_job_once(claimant, monkeypatch):
    """The last step needs all others, and comes back with the last of them."""
    job = drive(claimant, launch("fifty_wide"), lambda held: ended(Verdict.FAILED))
    state = JobState.load(job.pk)
    state.steps, state.plan.dependencies = (
        Counting(state.steps),
        Counting(state.plan.dependencies),
    )
    monkeypatch.setattr(JobState, "load", lambda job_id: state)
    assert len(retry(job.pk)) == 50
    assert state.steps.looks < 10 * 50
    assert state.plan.dependencies.looks <= 3 * 50
    assert set(statuses(job).values()) == {"pending"}
    drive(claimant, job)
    assert job_of(job.pk).status == "succeeded"


def test_what_was_not_written_is_forgotten(claimant):
    """The tally of the remembered job, too, is again what it was."""
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    state = claimant.jobs[job.pk]
    before = list(state.ready(job.created_at, lambda queue: True)), state.tally.statuses

    def fail(execute, sql, *others):
        if sql.startswith(("INSERT", "SELECT truestep_batch")):
            raise RuntimeError("broken")
        return execute(sql, *others)

    with connection.execute_wrapper(fail), pytest.raises(RuntimeError):
        finish(claimant, top, returned(), room=2)
    assert (list(state.ready(job.created_at, lambda queue: True)), state.tally.statuses) == before
    assert len(finish(claimant, top, returned(), room=2)) == 2
    assert state.tally.statuses == {"succeeded", "running", "pending"}
