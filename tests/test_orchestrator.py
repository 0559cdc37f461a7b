"""What happens next: launch, claim, finish, cancel."""

import json
import math
from dataclasses import replace

import pytest
from django.db import transaction

from jobs import audit, logs
from jobs.codes import Fact
from jobs.definitions import get
from jobs.exceptions import InvalidParams, Overtaken, UnknownDefinition
from jobs.journal import LogMoved
from jobs.logs import LogBook
from jobs.models import Attempt, Job, Need, Step, Transition, Worker
from jobs.orchestrator import (
    Claimant,
    cancel,
    claim,
    finish,
    give_up,
    launch,
    launch_many,
    next_retry,
    note_refused,
    results_for,
    retry,
)
from jobs.orchestrator.claims import FEW
from jobs.statuses import Kind, Verdict
from tests.support import (
    Cost,
    drive,
    ended,
    job_of,
    journal,
    returned,
    rows,
    rows_as_they_lie,
    statuses,
    step_of,
)
from tests.support.driving import write_log

# --- launch ---------------------------------------------------------------------------------------


def test_a_launch_freezes_parameters_and_plan(database):
    job = launch("waits", {"gate": "/tmp/gate"}, actor="ada")
    assert job_of(job.pk).params == {"gate": ["/tmp/gate"]}
    assert list(job.steps.values_list("name", "position")) == [
        ("before", 0),
        ("waiting", 1),
        ("after", 2),
    ]


def test_launch_takes_a_definition_class(database):
    assert launch(get("noop")).definition == "noop"


@pytest.mark.parametrize(
    ("name", "params", "error", "words"),
    [
        ("nothing", {}, UnknownDefinition, "No definition is named 'nothing'. Known.*noop"),
        ("waits", {}, InvalidParams, "gate: This field is required"),
        ("noop", {"gate": "x"}, InvalidParams, "gate: There is no such parameter"),
        ("chatters", {"lines": "many"}, InvalidParams, "lines: Enter a whole number"),
        ("waits", {"gate": "a\0b"}, InvalidParams, "gate: Null characters are not allowed"),
        ("waits", {"gate": "a\udcffb"}, InvalidParams, "gate: This is not text"),
        ("particular", {}, InvalidParams, "__all__: not for ada from python"),
    ],
)
def test_a_launch_that_cannot_be_says_why_and_writes_nothing(database, name, params, error, words):
    before = rows()
    with pytest.raises(error, match=words):
        launch(name, params, actor="ada")
    assert rows() == before


def test_a_launch_joins_the_transaction_of_its_caller(database):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        launch("noop")
        raise ZeroDivisionError
    assert not Job.objects.exists()


def test_many_jobs_are_launched_together_and_each_is_a_whole_job(claimant):
    with Cost() as cost:
        jobs = launch_many("diamond", [{}] * 30, actor="ada", why="a fan")
    assert cost.commits == 1
    assert [job.pk for job in jobs] == list(Job.objects.order_by("pk").values_list("pk", flat=True))
    assert list(audit.differences()) == []
    assert {(birth.actor, birth.data["why"]) for birth in Transition.objects.all()} == {
        ("ada", "a fan")
    }
    assert drive(claimant, jobs[-1]).status == "succeeded"
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}


def test_of_many_jobs_none_is_launched_when_one_cannot_be(database):
    before = rows()
    with pytest.raises(InvalidParams, match="gate: This field is required") as refused:
        launch_many("waits", [{"gate": "/a"}, {}, {"gate": "/b"}])
    assert refused.value.__notes__ == ["These are number 1 of the parameters, counted from 0."]
    assert rows() == before
    assert launch_many("waits", []) == []


# --- claim and finish -----------------------------------------------------------------------------


@pytest.mark.parametrize(("lines", "most"), [(0, 28), (1, 38)])
def test_five_steps_cost_at_most_6_commits_also_when_they_log(claimant, lines, most):
    job = launch("noop")
    with Cost() as cost:
        claims = claim(claimant, room=1)
        while claims:
            [held] = claims
            claims = finish(
                claimant, held, returned(), room=1, tail=tail_of(held, "a line" * lines)
            )
    assert job_of(job.pk).status == "succeeded"
    assert Step.objects.filter(job=job, log_lines=lines).count() == 5
    assert cost.commits <= 6
    assert len(cost.statements) <= most


def tail_of(held, line):
    book = LogBook(held, 1000)
    if line:
        book.add(line)
    return book.tail()


def test_the_end_of_a_log_is_written_with_the_end_of_its_attempt(claimant):
    launch("noop")
    [held] = claim(claimant, room=1)
    write_log(held, ["one"])
    book = LogBook(replace(held, log_lines=1), 1000)
    book.add("two")
    book.progress(1.0, 2.0, "half")
    finish(claimant, held, returned(), room=0, tail=book.tail())
    step = Step.objects.get(pk=held.step_id)
    assert "".join(logs.text_of(held.step_id)) == "one\ntwo\n"
    assert (step.log_lines, step.done, step.progress_text) == (2, 1.0, "half")


def test_a_tail_that_does_not_fit_the_log_writes_nothing(claimant):
    """In a restored database the log may be shorter than the worker remembers."""
    launch("noop")
    [held] = claim(claimant, room=1)
    before = rows()
    with pytest.raises(LogMoved):
        finish(
            claimant, held, returned(), room=0, tail=tail_of(replace(held, log_lines=7), "a line")
        )
    assert rows() == before
    finish(claimant, held, returned(), room=0, tail=tail_of(held, "a line"))


def test_looking_for_work_where_there_is_none_costs_one_statement(claimant):
    drive(claimant, launch("noop"))
    with Cost() as cost:
        assert claim(claimant, room=2) == []
    assert (cost.commits, len(cost.statements)) == (0, 1)


def test_steps_start_when_all_they_need_has_succeeded_and_not_before(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=2)
    assert claim(claimant, room=2) == []
    left, right = finish(claimant, top, returned(1), room=2)
    assert (left.name, right.name) == ("left", "right")
    assert finish(claimant, left, returned(), room=2) == []
    [bottom] = finish(claimant, right, returned(), room=2)
    assert finish(claimant, bottom, returned(), room=2) == []
    assert job_of(job.pk).status == "succeeded"
    assert journal(job)[-2:] == [("bottom", "running", "succeeded"), (None, "running", "succeeded")]


@pytest.mark.parametrize("room", [0, -1])
def test_without_room_nothing_is_claimed(claimant, room):
    launch("noop")
    assert claim(claimant, room=room) == []


def test_the_oldest_job_is_claimed_first_and_a_batch_has_one_job(claimant):
    first, second = launch("diamond"), launch("noop")
    assert [held.job_id for held in claim(claimant, room=2)] == [first.pk]
    assert [held.job_id for held in claim(claimant, room=2)] == [second.pk]


def test_a_worker_claims_only_what_it_knows(database, claimant):
    launch("noop")
    stranger = Claimant(worker=claimant.worker, knows={"noop": ["two"], "diamond": ["top"]})
    assert claim(stranger, room=2) == []
    job = launch("diamond")
    [top] = claim(stranger, room=2)
    assert finish(stranger, top, returned(1), room=2) == []  # left and right wait for another
    assert set(job.steps.filter(waiting=0).values_list("name", "status")) == {
        ("top", "succeeded"),
        ("left", "pending"),
        ("right", "pending"),
    }


def test_a_worker_finds_known_steps_behind_many_unknown_ones(claimant):
    for _ in range(FEW + 1):
        launch("noop")
    job = launch("diamond")
    knowing = Claimant(worker=claimant.worker, knows={"diamond": ["top"]})
    [held] = claim(knowing, room=1)
    assert held.job_id == job.pk
    finish(knowing, held, returned(1), room=0)
    assert claim(knowing, room=1) == []


def test_a_worker_for_one_job_takes_no_other(claimant):
    launch("noop")
    mine = launch("noop")
    Worker.objects.filter(pk=claimant.worker.pk).update(only_job=mine)
    claimant.worker.refresh_from_db()
    [held] = claim(claimant, room=1)
    assert held.job_id == mine.pk


def test_a_failure_skips_what_needs_it_and_nothing_else(claimant):
    job = launch("fails")
    drive(claimant, job, lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned())
    assert dict(job.steps.values_list("name", "status")) == {
        "fine": "succeeded",
        "bad": "failed",
        "after_bad": "skipped",
        "sibling": "succeeded",
    }
    assert job_of(job.pk).status == "failed"
    skipped = job.journal.get(step__name="after_bad")
    assert skipped.reason == "needs bad, which was not successful"


@pytest.mark.postgres
def test_what_is_skipped_is_skipped_in_the_order_of_the_definition(claimant):
    """Equal jobs have equal journals, also where the planner takes the rows as they lie."""
    job = launch("diamond")
    plan = list(Need.objects.order_by("-pk"))
    Need.objects.all().delete()
    for need in plan:
        Need.objects.create(step_id=need.step_id, needed_id=need.needed_id)
    with rows_as_they_lie():
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.FAILED), room=0)
    skips = [name for name, _, to in journal(job) if to == "skipped"]
    assert skips == ["left", "right", "bottom"]


def test_skips_go_all_the_way_down(claimant):
    job = launch("diamond")
    drive(claimant, job, lambda held: ended(Verdict.FAILED))
    assert list(job.steps.values_list("status", flat=True)) == ["failed", *["skipped"] * 3]


def test_a_job_runs_on_while_siblings_of_a_failure_run(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=2)
    left, right = finish(claimant, top, returned(1), room=2)
    finish(claimant, left, ended(Verdict.FAILED), room=2)
    assert job_of(job.pk).status == "running"
    finish(claimant, right, returned(), room=2)
    assert job_of(job.pk).status == "failed"


def test_a_step_gets_the_results_of_all_it_builds_on(claimant):
    launch("diamond")
    [top] = claim(claimant, room=2)
    left, right = finish(claimant, top, returned({"rows": 3}), room=2)
    state = claimant.jobs[top.job_id]
    assert json.loads(results_for(state, left.step_id)) == {"top": {"rows": 3}}
    finish(claimant, left, returned(None), room=0)
    [bottom] = finish(claimant, right, returned([1]), room=2)
    wanted = {"top": {"rows": 3}, "left": None, "right": [1]}
    assert json.loads(results_for(state, bottom.step_id)) == wanted
    state.results.clear()  # as in another worker, which has to read them
    assert json.loads(results_for(state, bottom.step_id)) == wanted
    finish(claimant, bottom, returned(), room=0)


def test_a_step_of_a_chain_is_given_what_the_one_before_was_given_and_its_result(
    claimant, monkeypatch
):
    """Only a worker that has not run the step before goes through all that it needs."""
    job = launch("fifty_deep")
    [held] = claim(claimant, room=1)
    state = claimant.jobs[job.pk]
    for number in range(49):
        given = json.loads(results_for(state, held.step_id))
        assert given == {f"s{before:03}": {"n": before} for before in range(number)}
        [held] = finish(claimant, held, returned({"n": number}), room=1)
    state.given.clear()
    whole = results_for(state, held.step_id)
    results_for(state, state.plan.dependencies[held.step_id][0])
    monkeypatch.setattr(state.plan, "ancestors", None)
    assert results_for(state, held.step_id) == whole
    finish(claimant, held, returned(), room=0)


def test_a_step_gets_the_result_of_the_last_attempt(claimant):
    job = launch("diamond")
    finish(claimant, *claim(claimant, room=1), ended(Verdict.FAILED), room=0)
    retry(job.pk)
    left, _ = finish(claimant, *claim(claimant, room=1), returned({"rows": 3}), room=2)
    claimant.jobs[job.pk].results.clear()  # as in another worker, which has to read them
    given = results_for(claimant.jobs[job.pk], left.step_id)
    assert json.loads(given) == {"top": {"rows": 3}}


def test_a_step_that_no_worker_knows_fails_without_an_attempt(claimant):
    job = launch("noop")
    give_up(job.pk, {step_of(job, "one").pk: Fact.text("no worker knows it")})
    assert list(job.steps.values_list("status", flat=True)) == ["failed", *["skipped"] * 4]
    assert job_of(job.pk).status == "failed"
    assert not Attempt.objects.exists()
    before = rows()
    give_up(job.pk, {step_of(job, "one").pk: Fact.text("once more")})
    assert rows() == before


def test_a_refused_late_write_is_noted(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    note_refused(claimant, held)
    note = job.journal.get(kind=Kind.NOTE)
    assert (note.step.name, note.reason) == (
        "one",
        f"a late write of attempt 1 by {claimant.worker} was refused",
    )
    assert job_of(job.pk).seq == note.seq


# --- cancel ---------------------------------------------------------------------------------------


def test_cancelling_a_pending_job_ends_it_immediately(database):
    job = launch("noop")
    assert cancel(job.pk, actor="ada", source="page")
    row = job_of(job.pk)
    assert (row.status, row.cancel_requested, row.started_at) == ("cancelled", True, None)
    assert set(job.steps.values_list("status", flat=True)) == {"cancelled"}
    request = job.journal.get(kind=Kind.REQUEST)
    assert (request.seq, request.actor, request.source, request.reason) == (
        2,
        "ada",
        "page",
        "cancel",
    )
    assert job.journal.get(seq=3).reason == "cancelled while it waited"


def test_the_end_of_the_pause_before_a_retry_is_known(claimant):
    job = launch("rests")
    assert next_retry(claimant) == math.inf
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    assert claim(claimant, room=1) == []
    delay = step_of(job, "rest").retry_delay
    assert 0 < next_retry(claimant) < 2 * delay
    cancel(job.pk)
    assert next_retry(claimant) == math.inf


def test_cancel_leaves_running_steps_to_their_worker(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    assert cancel(job.pk)
    assert job_of(job.pk).status == "running"
    assert list(job.steps.values_list("status", flat=True)) == ["running", *["cancelled"] * 4]
    finish(claimant, held, ended(Verdict.STOPPED, "cancelled while it ran"), room=1)
    assert job_of(job.pk).status == "cancelled"


def test_a_cancelled_job_starts_nothing_more(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    cancel(job.pk)
    assert claim(claimant, room=2) == []
    assert finish(claimant, top, returned(1), room=2) == []
    assert job_of(job.pk).status == "cancelled"


@pytest.mark.parametrize(
    ("verdict", "step", "status"),
    [
        (Verdict.RETURNED, "succeeded", "cancelled"),  # it was faster; the rest is cancelled
        (Verdict.FAILED, "failed", "failed"),  # no retry was left: a cancel does not hide that
        (Verdict.STOPPED, "cancelled", "cancelled"),
        (Verdict.HANDED_BACK, "cancelled", "cancelled"),  # it must not run again
        (Verdict.INTERRUPTED, "cancelled", "cancelled"),
    ],
)
def test_what_a_cancelled_job_becomes_depends_on_how_its_step_ended(
    claimant, verdict, step, status
):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    cancel(job.pk)
    finish(claimant, held, ended(verdict), room=1)
    assert (step_of(job, "one").status, job_of(job.pk).status) == (step, status)


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.TIMED_OUT])
def test_a_cancel_also_ends_a_step_with_a_retry_left(claimant, verdict):
    job = launch("patient", {"gate": "/gate"})
    [held] = claim(claimant, room=1)
    cancel(job.pk)
    finish(claimant, held, ended(verdict, "no luck"), room=1)
    row = step_of(job, "wait")
    assert (row.status, job_of(job.pk).status, row.failures) == ("cancelled", "cancelled", 1)
    assert row.attempts.get().error == "no luck"
    assert row.journal.latest("seq").reason == "no luck; cancelled before its retry"
    assert list(audit.differences()) == []


def test_a_second_cancel_is_noted_and_changes_nothing(claimant):
    job = launch("noop")
    held = claim(claimant, room=1)
    assert cancel(job.pk, actor="ada")
    before = statuses(job)
    assert not cancel(job.pk, actor="bob")
    assert statuses(job) == before
    note = job.journal.latest("seq")
    output = "asked to cancel; nothing to do, the job is being cancelled already"
    assert (note.kind, note.actor, note.reason) == (Kind.NOTE, "bob", output)
    finish(claimant, held[0], returned(), room=0)
    assert not cancel(job.pk, actor="bob")


def test_a_late_cancel_is_noted_and_changes_nothing(claimant):
    job = drive(claimant, launch("noop"))
    assert not cancel(job.pk)
    assert job_of(job.pk).status == "succeeded"
    note = job.journal.latest("seq")
    output = "asked to cancel; nothing to do, the job is succeeded"
    assert (note.kind, note.reason) == (Kind.NOTE, output)


def test_cancel_of_no_job_says_so(database):
    with pytest.raises(Job.DoesNotExist, match="There is no job 999"):
        cancel(999)


# --- a job that is deleted while it runs ----------------------------------------------------------


def test_writes_for_a_deleted_job_are_refused(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(Overtaken):
        finish(claimant, held, returned(), room=1)
    note_refused(claimant, held)  # there is no journal left to note it in
    assert not any(rows().values())
