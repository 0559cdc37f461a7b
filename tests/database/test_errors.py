"""What an error of the database means, and whether to try again."""

import sqlite3
import threading
from functools import partial

import psycopg
import pytest
from django.db import IntegrityError, OperationalError

from jobs import database
from jobs.database import Outage, outage_of
from jobs.exceptions import DatabaseBusy
from jobs.models import Job
from jobs.orchestrator import launch
from tests.support import in_threads


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OperationalError("database is locked"), True),
        (OperationalError("database table is locked: truestep_job"), True),
        (OperationalError("disk I/O error"), False),
        (OperationalError("no such table: truestep_job"), False),
        (IntegrityError("database is locked"), False),
        (DatabaseBusy("file"), False),  # it has waited long enough already
        (ValueError("locked"), False),
    ],
)
def test_only_transient_errors_are_worth_a_retry(error, passing):
    """Serialization failures, deadlocks and a busy file: the batch is decided again."""
    assert database.is_transient(error) == passing


@pytest.mark.parametrize(
    ("sqlstate", "passing"), [("40001", True), ("40P01", True), ("23505", False)]
)
def test_errors_of_postgresql_are_known_by_their_codes(sqlstate, passing):
    cause = Exception()
    cause.sqlstate = sqlstate
    error = OperationalError("words in any language")
    error.__cause__ = cause
    assert database.is_transient(error) == passing


@pytest.mark.postgres
@pytest.mark.slow
def test_the_victim_of_a_deadlock_may_try_again_with_any_lock_timeout(transactional_db):
    jobs = [launch("noop").pk for _ in range(2)]
    both_hold_one = threading.Barrier(2)

    def lock(first, second):
        with (
            database.lock_timeout(1.1),
            database.write(),
        ):  # PostgreSQL looks for deadlocks after a second
            Job.objects.select_for_update().get(pk=first)
            both_hold_one.wait(10)
            Job.objects.select_for_update().get(pk=second)

    answers = in_threads(partial(lock, *jobs), partial(lock, *reversed(jobs)))
    [error] = [answer for answer in answers if answer is not None]
    assert database.is_transient(error)


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (psycopg.errors.LockNotAvailable("canceling statement"), Outage.BUSY),
        (psycopg.OperationalError("connection refused"), Outage.AWAY),
        (sqlite3.OperationalError("database is locked"), Outage.BUSY),
        (sqlite3.OperationalError("disk I/O error"), Outage.AWAY),
        (sqlite3.OperationalError("something else"), Outage.OTHER),
    ],
)
def test_an_error_of_another_database_is_classified_by_its_driver(db, cause, kind):
    """It may be of the other kind than Truestep's own."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    assert outage_of(error) is kind
