"""Several writers, one database: who comes first wins, and the journal tells it once."""

import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import connection

from jobs import crashpoints, database
from jobs.codes import Fact
from jobs.database import transactions
from jobs.exceptions import MoveRefused, Overtaken
from jobs.journal import JobState, commit
from jobs.models import Attempt, Job, Order, Queue, Transition
from jobs.orchestrator import Claimant, cancel, claim, finish, give_up, launch, pause_queue
from jobs.sight.job import read_job
from jobs.statuses import Kind, Verdict
from tests.support import (
    drive,
    ended,
    in_threads,
    job_of,
    journal,
    register_worker,
    returned,
    step_of,
    wait_for,
)


class Crowd:
    """Writers gather before their transactions until the door opens."""

    def __init__(self) -> None:
        self.waiting: list[threading.Thread] = []
        self.door = threading.Event()
        self.door.set()


@pytest.fixture
def crowd(monkeypatch):
    crowd, take_turn = Crowd(), transactions._turn

    @contextmanager
    def gather(seconds):
        crowd.waiting.append(threading.current_thread())
        assert crowd.door.wait(10)
        with take_turn(seconds):
            yield

    monkeypatch.setattr(transactions, "_turn", gather)
    return crowd


def race(crowd, *calls):
    """What the calls answer that all stand at the door when it opens."""
    crowd.waiting.clear()
    crowd.door.clear()
    answers = []
    runner = threading.Thread(target=lambda: answers.extend(in_threads(*calls)))
    runner.start()
    try:
        wait_for(lambda: len(crowd.waiting) == len(calls), what="everybody waits")
    finally:
        crowd.door.set()
        runner.join()
    return answers


def another_claimant():
    """Its worker is alive: this process holds its lock."""
    _, claimant = register_worker()
    return claimant


def move_once(state, step_id):
    commit(state, lambda batch: batch.give_up(batch.state.steps[step_id], Fact.text("first")))
    return "won"


@pytest.mark.parametrize("writers", [2, 8])
def test_of_writers_that_race_for_one_move_one_wins(database, crowd, writers):
    job = launch("noop")
    step_id = step_of(job, "one").pk
    states = [JobState.load(job.pk) for _ in range(writers)]  # all have seen the step pending
    answers = race(crowd, *(partial(move_once, state, step_id) for state in states))
    assert answers.count("won") == 1
    assert sum(isinstance(answer, MoveRefused) for answer in answers) == writers - 1
    assert journal(job).count(("one", "pending", "failed")) == 1


def test_of_two_claims_of_one_step_one_gets_it(database, crowd):
    """The rows decide who runs a step; no broker is asked."""
    job = launch("noop")
    claimants = [another_claimant(), another_claimant()]
    answers = race(crowd, *(partial(claim, claimant, 1) for claimant in claimants))
    assert sorted(map(len, answers)) == [0, 1]
    assert journal(job).count(("one", "pending", "running")) == 1
    [winner] = [claimant for claimant, answer in zip(claimants, answers, strict=True) if answer]
    drive(winner, job)


@pytest.mark.parametrize("first", ["finish", "cancel"])
def test_a_cancel_races_an_end_and_the_journal_has_their_order(claimant, first):
    """The second one decides again on what the first has left; neither is lost."""
    job = launch("noop")
    [held] = claim(claimant, room=1)
    stale = JobState.load(job.pk)
    calls = [partial(finish, claimant, held, returned(), 1), partial(cancel, job.pk)]
    if first == "cancel":
        calls.reverse()
    answers = [call() for call in calls]
    assert True in answers
    assert stale.job.seq < job_of(job.pk).seq
    assert step_of(job, "one").status == "succeeded"
    assert step_of(job, "two").status == ("running" if first == "finish" else "cancelled")
    drive(claimant, job)


def test_a_batch_decided_on_outdated_rows_is_decided_again(claimant):
    job = launch("noop")
    old, step_id = JobState.load(job.pk), step_of(job, "one").pk
    claim(claimant, room=1)
    seen = []

    def decide(batch):
        seen.append(batch.state.steps[step_id].status)
        batch.note(Fact.text("noted after all"))

    commit(old, decide)
    assert seen == ["pending", "running"]
    assert job.journal.latest("seq").kind == Kind.NOTE


def test_many_claimers_start_every_step_exactly_once(database, crowd):
    launched = [launch("diamond") for _ in range(6)]
    claimants = [another_claimant() for _ in range(6)]
    answers = race(crowd, *(partial(drive, claimant, launched[0]) for claimant in claimants))
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert {job.status for job in Job.objects.all()} == {"succeeded"}
    starts = Counter(
        Transition.objects.filter(to_status="running", step__isnull=False).values_list("step")
    )
    assert set(starts.values()) == {1}
    assert len(starts) == 24
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


def test_of_many_ends_of_one_attempt_exactly_one_counts(claimant, crowd):
    """A time-out races other ends under one fence: one is written, and its slot is free once."""
    job = launch("noop")
    [held] = claim(claimant, room=1)
    claimants = [
        Claimant(claimant.worker, claimant.knows, {job.pk: JobState.load(job.pk)}) for _ in range(4)
    ]
    verdicts = [Verdict.FAILED, Verdict.DIED, Verdict.TIMED_OUT]
    outcomes = [returned(), *map(ended, verdicts)]
    answers = race(
        crowd,
        *(partial(finish, *pair, 0) for pair in zip(claimants, [held] * 4, outcomes, strict=True)),
    )
    assert answers.count([]) == 1
    assert sum(isinstance(answer, Overtaken) for answer in answers) == 3
    assert job.journal.filter(step=held.step_id, from_status="running").count() == 1


def test_many_writers_of_one_job_number_its_journal_without_a_gap(claimant, crowd):
    job = launch("noop")
    notes = [
        partial(commit, JobState.load(job.pk), lambda batch: batch.note(Fact.text("me too")))
        for _ in range(8)
    ]
    answers = race(crowd, *notes)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert list(job.journal.order_by("seq").values_list("seq", flat=True)) == list(range(1, 10))


def test_of_many_cancels_one_is_the_request(claimant, crowd):
    job = launch("noop")
    answers = race(crowd, *(partial(cancel, job.pk) for _ in range(6)))
    assert sorted(answers) == [False] * 5 + [True]
    assert job.journal.filter(kind=Kind.REQUEST).count() == 1


@pytest.mark.postgres
def test_of_the_first_two_pauses_of_a_queue_one_is_the_order(database):
    """The queue is newer than the last ``migrate``; the second waits for the first to commit."""
    Queue.objects.all().delete()
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    came = []

    def until_the_other_waits(place):
        if place == "order.before_commit":
            came.append(place)
            with connection.cursor() as cursor:
                wait_for(lambda: len(came) > 1 or cursor.execute(waiting).fetchone()[0])

    with crashpoints.watched(until_the_other_waits):
        answers = in_threads(*(partial(pause_queue, "gpu", actor=who) for who in ("anna", "bert")))
    assert sorted(answers) == [False, True]
    assert Order.objects.count() == 1


def test_of_a_claim_and_a_give_up_of_one_step_one_happens(claimant, crowd):
    job = launch("noop")
    one = step_of(job, "one").pk
    claims, _ = race(
        crowd, partial(claim, claimant, 1), partial(give_up, job.pk, {one: Fact.text("unknown")})
    )
    assert (len(claims), step_of(job, "one").status) in [(1, "running"), (0, "failed")]


# --- readers --------------------------------------------------------------------------------------


def test_a_snapshot_is_consistent_and_waits_for_no_writer(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)

    def look_twice():
        with database.snapshot():
            before = read_job(job.pk)
            reading.set()
            assert committed.wait(10)
            return before, read_job(job.pk), Transition.objects.filter(job=job).count()

    reading, committed = threading.Event(), threading.Event()
    answers = []
    with database.write():  # a writer holds the lock while the reader begins …
        reader = threading.Thread(target=lambda: answers.extend(in_threads(look_twice)))
        reader.start()
        assert reading.wait(10)
    finish(claimant, held, returned(), room=1)  # … and another commits while it reads
    committed.set()
    reader.join(10)
    [(before, after, entries)] = answers
    assert before.position == after.position
    assert before.position.seq == 3
    assert entries == 3
    assert [s.step.status for s in before.steps] == [s.step.status for s in after.steps]
    assert read_job(job.pk).position.seq == 5


def test_a_snapshot_inside_a_snapshot_is_the_same_one(claimant):
    job = launch("noop")
    with database.snapshot():
        assert read_job(job.pk).position.seq == 1
        in_threads(partial(cancel, job.pk))
        assert read_job(job.pk).position.seq == 1
    assert read_job(job.pk).position.seq > 1
