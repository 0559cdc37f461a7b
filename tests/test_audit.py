"""The audit finds each lie that a row could tell. Every test here corrupts on purpose."""

from contextlib import contextmanager

import pytest
from django.db import connection

from jobs import audit
from jobs.database import triggers
from jobs.logs import LogBook
from jobs.models import Job
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.statuses import Verdict
from tests.support import Cost, drive, ended, register_worker, returned


@pytest.fixture
def job(transactional_db):
    """A job with a past (diamond: everything but bottom) and a log, corrupted afterwards."""
    _, claimant = register_worker()
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    book = LogBook(top, 1000)
    book.add("one")
    book.add("two", "w")
    book.write()
    left, _ = finish(claimant, top, returned(1), room=2)
    finish(claimant, left, returned(2), room=0)
    assert list(audit.differences()) == []
    return Job.objects.get(pk=job.pk)


@contextmanager
def unguarded():
    """As if the triggers and the constraints had been dropped."""
    triggers.remove()
    try:
        yield
    finally:
        triggers.install()


def sql(statement, *values):
    with connection.cursor() as cursor, without_constraints(cursor):
        cursor.execute(statement, values)


@contextmanager
def without_constraints(cursor):
    if connection.vendor == "sqlite":
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        return
    cursor.execute(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'c' AND conrelid::regclass::text LIKE 'truestep%'"
    )
    checks = cursor.fetchall()
    for table, name, _ in checks:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        for table, name, definition in checks:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID")


STEP = "UPDATE truestep_step SET {} WHERE name = 'top'"
LIES = {
    "a step's status": (STEP.format("status = 'failed'"), "top: status is failed, the journal"),
    "a step's attempt": (STEP.format("attempt = 7"), "top: attempt is 7, the journal says 1"),
    "a step's fence": (STEP.format("fence = 9"), "top: fence is 9, the journal says 2"),
    "a step's seq": (STEP.format("seq = 1"), "top: seq is 1, the journal says 4"),
    "a step's warnings": (
        STEP.format("log_warnings = 9"),
        "log_warnings and log_errors are 9 and 0, the log has 1 and 0",
    ),
    "a step's log lines": (STEP.format("log_lines = 9"), "log_lines is 9, the log ends with 2"),
    "what a step waits for": (
        "UPDATE truestep_step SET waiting = 2 WHERE name = 'bottom'",
        "bottom: waiting is 2, the journal says 1",
    ),
    "the job's status": (
        "UPDATE truestep_job SET status = 'pending'",
        "status is pending, the journal says running",
    ),
    "the job's end": (
        "UPDATE truestep_job SET ended_at = '2026-01-01'",
        "status is running and ended_at is 2026-01-01",
    ),
    "the job's seq": ("UPDATE truestep_job SET seq = 99", "seq is 99, the journal ends with"),
    "a cancel without a request": (
        "UPDATE truestep_job SET cancel_requested = true",
        "differ on whether cancel was requested",
    ),
    "a missing entry": ("DELETE FROM truestep_transition WHERE seq = 3", "journal numbers are"),
    "a missing birth": (
        "DELETE FROM truestep_transition WHERE seq = 1",
        "the journal does not begin with a birth",
    ),
    "a second birth": (
        "UPDATE truestep_transition SET kind = 'birth' WHERE seq = 4",
        "the journal has a second birth",
    ),
    "an illegal move": (
        "UPDATE truestep_transition SET to_status = 'skipped' WHERE seq = 4",
        "entry 4: top running → skipped is not legal",
    ),
    "a move from elsewhere": (
        "UPDATE truestep_transition SET from_status = 'pending' WHERE seq = 4",
        "entry 4 moves top from pending; it was running",
    ),
    "a move of the job from elsewhere": (
        "UPDATE truestep_transition SET from_status = 'running', to_status = 'failed' "
        "WHERE step_id IS NULL AND kind = 'move'",
        "moves it from running; it was pending",
    ),
    "an attempt in the journal": (
        "UPDATE truestep_transition SET attempt = 5 WHERE seq = 4",
        "entry 4 says attempt 5 of top, it was another",
    ),
    "an entry about a step of another job": (
        "UPDATE truestep_transition SET step_id = (SELECT MAX(id) FROM truestep_step) "
        "WHERE seq = 4",
        "entry 4 is about a step of another job",
    ),
    "a job that its steps do not make": (
        "UPDATE truestep_transition SET to_status = 'succeeded' WHERE seq = 3",
        "entry 3 makes it succeeded, by its steps it was running",
    ),
    "the tag of another copy": (
        "UPDATE truestep_job SET tag = 'other'",
        "the tag of its row is not that of the last entry",
    ),
    "a step's tag": (STEP.format("tag = 'other'"), "top: tag is other, the journal says"),
    "a job that never began": (
        "UPDATE truestep_job SET started_at = NULL",
        "status is running and started_at is None, by the journal 20",
    ),
    "uncounted failures": (STEP.format("failures = 1"), "top: failures is 1, by its attempts 0"),
    "uncounted crashes": (STEP.format("crashes = 1"), "top: crashes is 1, by its attempts 0"),
    "a wait for nothing": (
        "UPDATE truestep_step SET not_before = '2026-01-01' WHERE name = 'bottom'",
        "bottom waits until 2026-01-01 00:00:00+00:00, and no attempt was charged",
    ),
    "a step that can never start": (
        "UPDATE truestep_step SET status = 'failed' WHERE name = 'right'",
        "bottom waits for a step that can never succeed",
    ),
    "a step that was skipped for nothing": (
        "UPDATE truestep_step SET status = 'skipped' WHERE name = 'bottom'",
        "bottom is skipped, and nothing that it needs has gone wrong",
    ),
    "a verdict that does not fit": (
        "UPDATE truestep_attempt SET verdict = 'stopped' WHERE verdict = 'returned'",
        "attempt 1 of top: its verdict is 'stopped', and the step became succeeded",
    ),
    "an attempt that began at another time": (
        "UPDATE truestep_attempt SET started_at = '2026-01-01'",
        "attempt 1 of top: it began at 2026-01-01 00:00:00+00:00, by the journal 20",
    ),
    "an attempt that ended at another time": (
        "UPDATE truestep_attempt SET ended_at = '2026-01-01' WHERE ended_at IS NOT NULL",
        "attempt 1 of top: it ended at 2026-01-01 00:00:00+00:00, by the journal 20",
    ),
    "a worker that could not do it": (
        """UPDATE truestep_worker SET knows = '{"diamond": ["left", "right"]}'""",
        "attempt 1 of top: the worker",
    ),
    "a worker for another job": (
        "UPDATE truestep_worker SET only_job_id = (SELECT MAX(id) FROM truestep_job)",
        "attempt 1 of left: the worker",
    ),
    "a log of an attempt to come": (
        "UPDATE truestep_logchunk SET attempt = 2",
        "top: the chunk of lines 1–2 is of attempt 2, which cannot be",
    ),
    "a log of no attempt": (
        "UPDATE truestep_logchunk SET attempt = 0",
        "top: the chunk of lines 1–2 is of attempt 0, which cannot be",
    ),
    "a job that another one followed": (
        "UPDATE truestep_job SET again_of_id = (SELECT MAX(id) FROM truestep_job)",
        "its birth says 'launched'",
    ),
    "a need that was not met": (
        "INSERT INTO truestep_need (step_id, needed_id) SELECT a.id, b.id "
        "FROM truestep_step a, truestep_step b WHERE a.name = 'left' AND b.name = 'right'",
        "starts left before a step it needs has succeeded",
    ),
    "a missing attempt": (
        "DELETE FROM truestep_attempt WHERE step_id = "
        "(SELECT id FROM truestep_step WHERE name = 'top')",
        "top: attempts are [], the row says 1",
    ),
    "an attempt that never ended": (
        "UPDATE truestep_attempt SET ended_at = NULL",
        "top is succeeded and has open attempts [1]",
    ),
    "an attempt that ended too soon": (
        "UPDATE truestep_attempt SET ended_at = '2026-01-01'",
        "right is running and has open attempts []",
    ),
    "a missing chunk": ("DELETE FROM truestep_logchunk", "log_lines is 2, the log ends with 0"),
    "a gap in the log": (
        "UPDATE truestep_logchunk SET first = 2, last = 3",
        "top: log line 2 follows line 0",
    ),
    "a line too few": (
        "UPDATE truestep_logchunk SET text = 'one'",
        "top: the chunk of lines 1–2 is not 2 lines",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_is_found(job, lie):
    statement, words = LIES[lie]
    launch("noop")
    with unguarded():
        sql(statement)
    found = list(audit.differences())
    assert [line for line in found if words in line and line.startswith(f"job {job.pk}: ")], found


# --- lies about jobs that did not go well ---------------------------------------------------------


def claimant_for(job):
    _, claimant = register_worker(only_job=job.pk)
    return claimant


@pytest.fixture
def eventful(transactional_db):
    """Four jobs: one between two attempts, one tried again, one cancelled, one launched again."""
    between = launch("flaky", {"failures": 1})
    claimant = claimant_for(between)
    [before] = claim(claimant, room=1)
    [held] = finish(claimant, before, returned(), room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    retried = launch("fails")
    fate = {"bad": ended(Verdict.FAILED)}
    drive(claimant_for(retried), retried, lambda held: fate.get(held.name, returned()))
    retry(retried.pk, "bad", why="it was the network")
    cancelled = launch("noop")
    claimant = claimant_for(cancelled)
    [held] = claim(claimant, room=1)
    cancel(cancelled.pk)
    finish(claimant, held, ended(Verdict.STOPPED), room=0)
    launch("noop", again_of=cancelled, why="once more")
    assert list(audit.differences()) == []
    return {"between": between.pk, "retried": retried.pk, "cancelled": cancelled.pk}


ENTRY = "UPDATE truestep_transition SET {} WHERE job_id = {{job}} AND {}"
LATER_LIES = {
    "more failures than retries": (
        "between",
        "UPDATE truestep_step SET retries = 0 WHERE job_id = {job}",
        "flaky is unfinished after 1 failures, retries is 0",
    ),
    "a failure that is not counted": (
        "between",
        "UPDATE truestep_step SET failures = 0 WHERE job_id = {job}",
        "flaky: failures is 0, by its attempts 1",
    ),
    "a wait after an attempt that was not charged": (
        "between",
        "UPDATE truestep_attempt SET verdict = 'handed back' WHERE verdict = 'failed'",
        "flaky waits until",
    ),
    "an end that was not taken back": (
        "retried",
        ENTRY.format("kind = 'note'", "kind = 'request'"),
        "bad failed → pending is not legal",
    ),
    "a job whose end was not taken back": (
        "retried",
        ENTRY.format("kind = 'note'", "kind = 'request'"),
        ": failed → pending is not legal",
    ),
    "an end that was taken back later": (
        "retried",
        ENTRY.format("at = '2026-01-01'", "kind = 'request'"),
        "bad failed → pending is not legal",
    ),
    "an end that was taken back after something else": (
        "retried",
        ENTRY.format(
            "kind = 'note', from_status = '', to_status = ''",
            "from_status = 'failed' AND step_id IS NOT NULL",
        ),
        "after_bad skipped → pending is not legal",
    ),
    "a cancel without any request": (
        "cancelled",
        ENTRY.format("kind = 'note'", "kind = 'request'"),
        "two became cancelled without a request",
    ),
    "a cancelled job that went on": (
        "cancelled",
        ENTRY.format("kind = 'request', code = 'request.cancel'", "kind = 'birth'"),
        "one became running after cancel was requested",
    ),
    "another job that one follows": (
        "cancelled",
        "UPDATE truestep_job SET again_of_id = again_of_id - 1 WHERE again_of_id = {job}",
        "its birth says 'launched again, after job",
    ),
    "when a job ended": (
        "cancelled",
        "UPDATE truestep_job SET ended_at = '2026-01-01' WHERE id = {job}",
        "status is cancelled and ended_at is 2026-01-01 00:00:00+00:00, by the journal 20",
    ),
}


@pytest.mark.parametrize("lie", LATER_LIES)
def test_each_lie_about_an_eventful_job_is_found(eventful, lie):
    which, statement, words = LATER_LIES[lie]
    with unguarded():
        sql(statement.format(job=eventful[which]))
    found = list(audit.differences())
    assert [line for line in found if words in line], found


@pytest.mark.parametrize("name", ["noop", "thousand_wide", "thousand_deep"])
def test_a_job_of_any_size_costs_a_few_reads(transactional_db, name):
    _, claimant = register_worker()
    job = launch(name)
    claim(claimant, room=300)
    with Cost() as cost:
        assert list(audit.differences_of(Job.objects.get(pk=job.pk))) == []
    assert len(cost.statements) == 7, cost.statements


def test_each_lie_is_found_in_its_own_job(job):
    other = launch("noop")
    with unguarded():
        sql("UPDATE truestep_job SET cancel_requested = true WHERE id = %s", other.pk)
    [line] = audit.differences()
    assert line.startswith(f"job {other.pk}: ")


def test_a_job_that_is_deleted_while_we_read_is_no_difference(transactional_db):
    launch("noop")
    launch("noop")
    differences = audit.differences()
    Job.objects.all().delete()
    assert list(differences) == []
