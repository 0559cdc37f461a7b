"""The audit finds each lie that a row could tell. Every test here corrupts on purpose."""

from contextlib import contextmanager

import pytest
from django.db import connection

from jobs import audit, definitions, triggers, workers
from jobs.logs import LogBook
from jobs.models import Job
from jobs.orchestrator import Desk, claim, finish, launch
from tests.support import returned


@pytest.fixture
def job(transactional_db):
    """A job with a past (diamond: everything but bottom) and a log, corrupted afterwards."""
    knows = definitions.known_steps()
    desk = Desk(workers.sign_on(slots=2, knows=knows).worker, knows)
    job = launch("diamond")
    [top] = claim(desk, room=1)
    book = LogBook(top, 1000)
    book.add("one")
    book.add("two")
    book.write()
    left, _ = finish(desk, top, returned(1), room=2)
    finish(desk, left, returned(2), room=0)
    assert list(audit.differences()) == []
    return Job.objects.get(pk=job.pk)


@contextmanager
def unguarded():
    """As if somebody had dropped the triggers and the constraints."""
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
    "a cancel nobody asked for": (
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
    with unguarded():
        sql(statement)
    found = list(audit.differences())
    assert [line for line in found if words in line], found
    assert all(line.startswith(f"job {job.pk}: ") for line in found)


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
