"""The one door: legal moves through the database, and nothing at all of any other."""

import logging
import sys
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from jobs import database, news
from jobs.codes import Code, Fact
from jobs.definitions import StepDefinition, get
from jobs.exceptions import InsideTransaction, MoveRefused, Overtaken
from jobs.journal import (
    Ending,
    JobState,
    batch_function,
    commit,
    create_jobs,
    draft,
    new_jobs,
    state,
)
from jobs.logs import LogBook
from jobs.models import Attempt, Job, Step, Transition
from jobs.orchestrator import cancel, claim, finish, give_up, launch
from jobs.statuses import JOB_STATUSES, Kind, Status, Verdict
from tests.support import Cost, drive, ended, job_of, journal, returned, rows, step_of, wait_for
from tests.support.expected import LEGAL_JOB_MOVES, LEGAL_STEP_MOVES

# --- every pair of the tables, through the database -----------------------------------------------
# A job of `noop` (one → two → …) is walked through the front door; the pairs are about step one,
# about step two where one fails before it, and about the job.


def start(claimant):
    [held] = claim(claimant, room=1)
    return held


def finish_first(claimant, outcome):
    finish(claimant, start(claimant), outcome, room=0)


def cancel_first(claimant, job):
    held = start(claimant)
    cancel(job.pk)
    finish(claimant, held, ended(Verdict.STOPPED), room=0)


REACH_STEP = {
    "pending": lambda claimant, job: None,
    "running": lambda claimant, job: start(claimant),
    "succeeded": lambda claimant, job: finish_first(claimant, returned()),
    "failed": lambda claimant, job: finish_first(claimant, ended(Verdict.FAILED)),
    "cancelled": lambda claimant, job: cancel(job.pk),
    "skipped": lambda claimant, job: finish_first(claimant, ended(Verdict.FAILED)),
}
MOVE_STEP = {
    ("pending", "running"): REACH_STEP["running"],
    ("pending", "skipped"): REACH_STEP["skipped"],
    ("pending", "cancelled"): REACH_STEP["cancelled"],
    ("pending", "failed"): lambda claimant, job: give_up(
        job.pk, {step_of(job, "one").pk: Fact.text("unknown")}
    ),
    ("running", "succeeded"): REACH_STEP["succeeded"],
    ("running", "failed"): REACH_STEP["failed"],
    ("running", "cancelled"): cancel_first,
    ("running", "pending"): lambda claimant, job: finish_first(
        claimant, ended(Verdict.HANDED_BACK)
    ),
}
REACH_JOB = {
    "pending": lambda claimant, job: None,
    "running": lambda claimant, job: start(claimant),
    "succeeded": lambda claimant, job: drive(claimant, job),
    "failed": REACH_STEP["failed"],
    "cancelled": lambda claimant, job: cancel(job.pk),
}
MOVE_JOB = {
    ("pending", "running"): REACH_JOB["running"],
    ("pending", "cancelled"): REACH_JOB["cancelled"],
    ("pending", "failed"): MOVE_STEP["pending", "failed"],
    ("running", "succeeded"): REACH_JOB["succeeded"],
    ("running", "failed"): REACH_STEP["failed"],
    ("running", "cancelled"): MOVE_STEP["running", "cancelled"],
}


@pytest.mark.parametrize(("old", "new"), sorted(LEGAL_STEP_MOVES))
def test_a_legal_move_of_a_step_is_written_with_its_entry(claimant, old, new):
    job = launch("noop")
    MOVE_STEP[old, new](claimant, job)
    name = "two" if new == "skipped" else "one"
    step = step_of(job, name)
    assert step.status == new
    assert (name, old, new) in journal(job)
    assert step.journal.latest("seq").seq == step.seq <= job_of(job.pk).seq


@pytest.mark.parametrize(
    ("old", "new"),
    sorted({(old, new) for old in Status.values for new in Status.values} - LEGAL_STEP_MOVES),
)
def test_an_illegal_move_of_a_step_raises_and_leaves_nothing(claimant, old, new):
    job = launch("noop")
    REACH_STEP[old](claimant, job)
    step_id = step_of(job, "two" if old == "skipped" else "one").pk
    before = rows()
    state = JobState.load(job.pk)
    assert state.steps[step_id].status == old
    with pytest.raises(MoveRefused, match=f"is {old}; it cannot become {new}"):
        commit(
            state,
            lambda batch: batch._move(batch.state.steps[step_id], Status(new), Fact.text("why")),
        )
    assert rows() == before
    assert state.steps[step_id].status == old  # nor does the memory believe it


@pytest.mark.parametrize(("old", "new"), sorted(LEGAL_JOB_MOVES))
def test_a_legal_move_of_a_job_is_written_with_its_entry(claimant, old, new):
    job = launch("noop")
    MOVE_JOB[old, new](claimant, job)
    assert job_of(job.pk).status == new
    assert (None, old, new) in journal(job)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (old, new)
        for old in JOB_STATUSES
        for new in Status
        if old != new and (old, new) not in LEGAL_JOB_MOVES
    ],
)
def test_an_illegal_move_of_a_job_raises_and_leaves_nothing(claimant, old, new, monkeypatch):
    job = launch("noop")
    REACH_JOB[old](claimant, job)
    before = rows()
    monkeypatch.setattr(draft, "status_of_job", lambda *_: new)
    state = JobState.load(job.pk)
    with pytest.raises(MoveRefused, match=f"is {old}; it cannot become {new}"):
        commit(state, lambda batch: batch.note(Fact.text("a reason to write")))
    assert rows() == before
    assert (state.job.status, state.job.seq) == (old, job_of(job.pk).seq)


def test_two_moves_of_one_step_in_one_batch_are_refused(claimant):
    job = launch("noop")
    before = rows()

    def decide(batch):
        step = next(iter(batch.state.steps.values()))
        held = batch.start(step, claimant.worker)
        fact = Fact(Code.STEP_RETURNED)
        ending = Ending(claim=held, worker=claimant.worker, verdict=Verdict.RETURNED, fact=fact)
        batch.succeed(step, ending)  # each alone is legal

    with pytest.raises(MoveRefused):
        commit(JobState.load(job.pk), decide)
    assert rows() == before


# --- one transaction, journal first ---------------------------------------------------------------


def test_a_batch_is_one_transaction_and_writes_the_journal_first(claimant):
    launch("diamond")
    [top] = claim(claimant, room=2)
    with Cost() as cost:
        # It ends one, frees two and starts both.
        finish(claimant, top, returned(1), room=2, tail=LogBook(top, 0).tail())
    assert cost.commits == 1
    if database.dialect().has_functions:  # in the same order: the triggers require it
        assert [sql.split("(")[0] for sql in cost.statements] == [
            f"SELECT {batch_function.WRITE.name}"
        ]
        return
    assert [sql.split()[:3] for sql in cost.statements] == [
        ["INSERT", "INTO", "truestep_transition"],
        ["UPDATE", "truestep_job", "SET"],
        ["UPDATE", "truestep_step", "SET"],
        ["INSERT", "INTO", "truestep_attempt"],
    ]


def test_every_entry_has_its_own_number_and_tag(claimant):
    job = drive(claimant, launch("diamond"))
    entries = list(Transition.objects.filter(job=job).order_by("seq"))
    assert [entry.seq for entry in entries] == list(range(1, job.seq + 1))
    assert len({entry.tag for entry in entries}) == len(entries)


def test_a_step_row_carries_the_number_of_its_last_news(claimant):
    """Being freed is news too: the page must say that the step no longer waits."""
    job = launch("noop")
    [one] = claim(claimant, room=1)
    finish(claimant, one, returned(), room=0)
    done, freed = step_of(job, "one"), step_of(job, "two")
    assert freed.seq == done.seq == 4  # birth, step running, job running, step succeeded
    assert (freed.status, freed.waiting) == ("pending", 0)
    assert step_of(job, "three").seq == 1


def test_a_step_freed_and_started_in_one_batch_has_the_seq_of_the_start(claimant):
    job = launch("noop")
    [one] = claim(claimant, room=1)
    [two] = finish(claimant, one, returned(), room=1)
    started = step_of(job, "two")
    assert (started.status, started.seq, started.fence) == ("running", 5, two.fence)


def test_steps_freed_together_each_have_the_seq_of_their_own_entry(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    finish(claimant, top, returned(1), room=0)
    seq = step_of(job, "top").seq
    assert [step_of(job, name).seq for name in ("left", "right", "bottom")] == [seq, seq, 1]


def test_birth_is_entry_one_with_every_step_pending(database):
    job = launch("diamond", actor="ada", source="page")
    [birth] = job.journal.all()
    assert (birth.seq, birth.kind, birth.to_status) == (1, Kind.BIRTH, "pending")
    assert (birth.actor, birth.source, birth.from_status) == ("ada", "page", "")
    assert set(job.steps.values_list("status", "seq", "attempt", "fence")) == {("pending", 1, 0, 0)}
    assert list(job.steps.order_by("position").values_list("name", "waiting")) == [
        ("top", 0), ("left", 1), ("right", 1), ("bottom", 2),
    ]  # fmt: skip


def test_a_batch_that_decides_nothing_writes_nothing(claimant):
    job = launch("noop")
    before = rows()
    commit(JobState.load(job.pk), lambda batch: None)
    assert rows() == before


def test_an_error_in_decide_is_raised_and_undoes_everything(claimant):
    job = launch("noop")
    state = JobState.load(job.pk)
    before = rows()

    def decide(batch):
        batch.request_cancel()
        batch.cancel_pending()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        commit(state, decide)
    assert rows() == before
    assert not state.job.cancel_requested
    assert {step.status for step in state.steps.values()} == {"pending"}


def test_an_undone_end_leaves_no_result_behind(claimant):
    launch("noop")
    held = start(claimant)
    state = claimant.jobs[held.job_id]

    def decide(batch):
        fact = Fact(Code.STEP_RETURNED)
        ending = Ending(claim=held, worker=claimant.worker, verdict=Verdict.RETURNED, fact=fact)
        batch.succeed(batch.held(held), ending)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        commit(state, decide)
    assert held.step_id not in state.results


def test_a_long_reason_is_cut_and_every_other_word_kept(claimant):
    job = launch("noop")
    commit(
        JobState.load(job.pk),
        lambda batch: batch.note(Fact.text("x" * 1000)),
        actor="ada",
        source="page",
    )
    note = job.journal.get(kind=Kind.NOTE)
    assert (note.reason, note.actor, note.source) == ("x" * 499 + "…", "ada", "page")


# --- attempts and fences --------------------------------------------------------------------------


def test_an_attempt_that_was_handed_back_is_kept_beside_the_next(claimant):
    job = launch("noop")
    [first] = claim(claimant, room=1)
    finish(claimant, first, ended(Verdict.HANDED_BACK, "its worker stopped"), room=0)
    [second] = claim(claimant, room=1)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.fence > first.fence
    finish(claimant, second, returned({"ok": True}), room=0)
    kept = Attempt.objects.filter(step__job=job, step__name="one").order_by("number")
    assert list(kept.values_list("number", "error", "result")) == [
        (1, "its worker stopped", None),
        (2, "", {"ok": True}),
    ]


def test_a_job_that_moves_on_while_it_is_read_is_read_again(claimant, monkeypatch):
    """Its rows are read one after the other, and no batch is decided on half of a move."""
    job = launch("noop")
    held = start(claimant)
    meanwhile = [lambda: finish(claimant, held, returned(), room=0)]

    def read_then(read, *about):
        rows = read(*about)
        while meanwhile:
            meanwhile.pop()()
        return rows

    for read in (state.read_job, state.read_steps):
        monkeypatch.setattr(state, read.__name__, partial(read_then, read))
    cancel(job.pk)
    statuses = dict(Step.objects.values_list("name", "status"))
    assert statuses == dict.fromkeys(statuses, "cancelled") | {"one": "succeeded"}
    assert job_of(job.pk).status == "cancelled"


def test_an_overtaken_attempt_writes_nothing(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    before = rows()
    with pytest.raises(Overtaken, match="attempt 1 does not own it"):
        finish(claimant, held, returned(), room=1)
    assert rows() == before
    assert step_of(job, "one").status == "pending"


def test_a_new_attempt_resets_progress_and_continues_the_log(claimant):
    job = launch("noop")
    [first] = claim(claimant, room=1)
    book = LogBook(first, 1000)
    book.progress(3, 4, "nearly")
    book.add("a line")
    book.write()
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(claimant, room=1)
    step = step_of(job, "one")
    assert (step.done, step.total, step.progress_text, step.log_lines) == (None, None, "", 1)
    finish(claimant, second, returned(), room=0)


# --- busy databases -------------------------------------------------------------------------------


def failing(times, error, monkeypatch):
    """Inside, the database refuses *times* journals with *error*, then works."""
    left = [error] * times

    def refuse(execute, sql, *others):
        if left and ("INSERT INTO truestep_transition" in sql or batch_function.WRITE.name in sql):
            raise left.pop()
        return execute(sql, *others)

    monkeypatch.setattr(sys.modules[commit.__module__], "RETRY_PAUSES", (0.0, 0.0, 0.0))
    return connection.execute_wrapper(refuse)


def test_a_transient_database_error_is_retried(claimant, monkeypatch):
    """The whole batch is decided again, a bounded number of times."""
    job = launch("noop")
    with failing(2, OperationalError("database is locked"), monkeypatch):
        drive(claimant, job)
    assert job_of(job.pk).status == "succeeded"


@pytest.mark.parametrize(
    ("times", "error"),
    [(9, OperationalError("database is locked")), (1, OperationalError("disk I/O error"))],
    ids=["lasting", "not passing"],
)
def test_a_permanent_database_error_is_raised_and_leaves_nothing(
    claimant, monkeypatch, times, error
):
    job = launch("noop")
    before = rows()
    state = JobState.load(job.pk)
    refusal = pytest.raises(OperationalError, match=str(error))
    with failing(times, error, monkeypatch), refusal:
        commit(state, lambda batch: batch.cancel_pending())
    assert rows() == before
    assert {step.status for step in state.steps.values()} == {"pending"}


# --- news is a hint -------------------------------------------------------------------------------


class BrokenLayer:
    async def group_send(self, group, message):
        raise ConnectionError("redis is gone")


def test_a_failing_broadcast_is_logged_and_harms_nothing(claimant, monkeypatch, caplog):
    monkeypatch.setattr(news, "_publisher", news._Publisher())
    monkeypatch.setattr(news, "get_channel_layer", BrokenLayer)
    job = launch("noop")
    with caplog.at_level(logging.WARNING, "truestep.news"):
        assert drive(claimant, job).status == "succeeded"
        wait_for(lambda: "Pokes cannot be sent: redis is gone" in caplog.text)


def test_an_announcement_that_cannot_even_start_harms_nothing(claimant, monkeypatch, caplog):
    def explode(*_):
        raise RuntimeError("no threads left")

    monkeypatch.setattr(news, "poke", explode)
    assert drive(claimant, launch("noop")).status == "succeeded"
    assert "no threads left" in caplog.text


def test_news_leaves_after_the_commit_and_never_without_one(database, monkeypatch):
    output = []
    monkeypatch.setattr(news, "poke", lambda *news: output.append(news))
    with transaction.atomic():
        job = launch("noop")
        assert output == []
    assert output == [(job.pk, 1)]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        launch("noop")
        raise ZeroDivisionError
    assert output == [(job.pk, 1)]
    assert Job.objects.count() == 1


def test_a_durable_write_refuses_to_join_a_transaction(claimant):
    """A status that could still be rolled back must not be acted on."""
    job = launch("noop")
    with transaction.atomic(), pytest.raises(InsideTransaction, match="on_commit"):
        cancel(job.pk)
    assert Step.objects.filter(job=job, status="pending").count() == 5


def test_a_failure_skips_a_chain_of_a_thousand_steps_in_one_batch(database):
    names = [f"s{number}" for number in range(1001)]
    needs = [(), *((name,) for name in names)]
    plan = [
        StepDefinition(name=name, needs=needed) for name, needed in zip(names, needs, strict=False)
    ]
    understood, launched = get("noop").understand({}), Fact(Code.JOB_LAUNCHED)
    [job] = new_jobs("deep", [understood])
    with transaction.atomic():
        create_jobs([job], plan, launched, actor="", source="python")
    state = JobState.load(job.pk)
    first = next(iter(state.steps.values()))
    commit(state, lambda batch: batch.give_up(first, Fact.text("no worker knows it")))
    assert Step.objects.filter(job=job, status=Status.SKIPPED).count() == 1000
    assert job_of(job.pk).status == "failed"
