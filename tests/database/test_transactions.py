"""Short transactions, whole snapshots, a fair turn for all."""

import fcntl
import os
import threading
from functools import partial

import pytest
from django.db import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from jobs import database
from jobs.database import watch_commits
from jobs.database.sqlite import turns
from jobs.exceptions import DatabaseBusy
from jobs.models import Job, Step
from jobs.orchestrator import cancel, launch
from tests.support import Cost, in_threads, job_of, wait_for


@pytest.mark.sqlite
def test_the_file_is_durable_and_in_wal_mode(transactional_db):
    with connection.cursor() as cursor:
        pragmas = [
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


@pytest.mark.sqlite
def test_a_write_takes_its_lock_at_the_beginning(transactional_db):
    with Cost() as cost, database.write():
        pass
    assert [query["sql"] for query in cost] == ["BEGIN IMMEDIATE", "COMMIT"]


def test_a_snapshot_takes_no_lock_and_leaves_nothing(transactional_db):
    with Cost() as cost, database.snapshot():
        Job.objects.count()
    expected = {
        "sqlite": ["BEGIN DEFERRED", "SELECT", "ROLLBACK"],
        "postgresql": [
            "BEGIN",
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SELECT",
            "COMMIT",
        ],
    }[connection.vendor]
    told = [query["sql"] for query in cost]
    assert len(told) == len(expected)
    assert all(sql.startswith(start) for sql, start in zip(told, expected, strict=True)), told


def test_a_snapshot_ends_when_its_reader_fails(transactional_db):
    with pytest.raises(ZeroDivisionError), database.snapshot():
        Job.objects.count()
        raise ZeroDivisionError
    with database.write():  # the connection is free again
        pass


def test_a_snapshot_inside_a_transaction_is_the_transaction(transactional_db):
    with transaction.atomic():
        job = launch("noop")
        with database.snapshot():
            assert Job.objects.filter(pk=job.pk).exists()


def test_every_writer_gets_its_turn(transactional_db):
    """SQLite's own busy handler lets most of several busy writers starve."""
    job = launch("noop")
    counts = [0] * 4

    def write_and_write(mine):
        while min(counts) < 20 and sum(counts) < 800:
            with database.write():
                Job.objects.filter(pk=job.pk).update(cancel_requested=False)
            counts[mine] += 1

    in_threads(*(partial(write_and_write, mine) for mine in range(4)))
    assert min(counts) >= 20, counts


def take_ticket():
    """Hold the turn of a writer until the descriptor that is returned is closed."""
    handle = os.open(database.name() + turns.SUFFIX, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


@pytest.mark.sqlite
def test_a_writer_that_waits_too_long_says_who_holds_it_up(transactional_db):
    handle = take_ticket()
    try:
        with (
            database.lock_timeout(0.1),
            pytest.raises(DatabaseBusy, match=r"test\w*\.sqlite3 is locked by a process"),
        ):
            launch("noop")
    finally:
        os.close(handle)
    assert launch("noop").pk


@pytest.mark.sqlite
def test_a_writer_that_dies_frees_its_turn(transactional_db):
    """The lock is the kernel's: it goes with the process."""
    pid = os.fork()
    if pid == 0:
        take_ticket()
        os._exit(0)
    os.waitpid(pid, 0)
    assert launch("noop").pk


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
def test_only_what_may_pass_is_worth_a_retry(error, passing):
    assert database.is_transient(error) == passing


@pytest.mark.parametrize(
    ("sqlstate", "passing"), [("40001", True), ("40P01", True), ("23505", False)]
)
def test_the_codes_of_other_databases_are_known(sqlstate, passing):
    cause = Exception()
    cause.sqlstate = sqlstate
    error = OperationalError("words in any language")
    error.__cause__ = cause
    assert database.is_transient(error) == passing


# --- somebody has committed -----------------------------------------------------------------------


@pytest.fixture
def watch(transactional_db):
    watch = watch_commits()
    assert watch.changed()  # the first look always tells
    assert not watch.changed()
    yield watch
    watch.close()


def is_quiet(looks, watch):
    """Whether the last ten looks saw nothing: what was committed before has been told."""
    looks.append(watch.changed())
    return len(looks) >= 10 and not any(looks[-10:])


def test_the_commit_of_another_connection_is_seen_once(transactional_db, watch):
    job = launch("noop")
    wait_for(partial(is_quiet, [], watch))
    in_threads(lambda: cancel(job.pk))
    wait_for(watch.changed)
    assert not watch.changed()


@pytest.mark.sqlite
def test_ones_own_commit_is_not_seen(transactional_db, watch):
    launch("noop")
    assert not watch.changed()


def test_an_open_transaction_is_not_seen(transactional_db, watch):
    job = launch("noop")
    in_threads(lambda: cancel(job.pk))
    wait_for(partial(is_quiet, [], watch))
    begun, end = threading.Event(), threading.Event()

    def write_slowly():
        with database.write():
            Step.objects.filter(job=job).update(progress_text="half")
            begun.set()
            end.wait(10)

    writer = threading.Thread(target=lambda: in_threads(write_slowly))
    writer.start()
    assert begun.wait(10)
    assert not watch.changed()
    end.set()
    writer.join()
    wait_for(watch.changed)


@pytest.mark.postgres
def test_a_watch_whose_connection_was_cut_says_changed_and_listens_again(transactional_db, watch):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
    wait_for(watch.changed)
    wait_for(lambda: watch.changed() and watch._listening)
    assert not watch.changed()
    cancel(launch("noop").pk)
    wait_for(watch.changed)


@pytest.mark.postgres
def test_a_connection_that_was_cut_is_made_anew(transactional_db):
    job = launch("noop")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    in_threads(lambda: connection.cursor().execute(f"SELECT pg_terminate_backend({pid})"))
    with pytest.raises(OperationalError):
        job_of(job.pk)
    database.discard_broken_connection()
    assert job_of(job.pk) == job


@pytest.mark.sqlite
def test_a_file_that_was_away_is_opened_anew(transactional_db):
    job = launch("noop")
    connection.connection.close()
    with pytest.raises(ProgrammingError):
        job_of(job.pk)
    database.discard_broken_connection()
    assert job_of(job.pk) == job


@pytest.mark.postgres
@pytest.mark.slow
def test_the_victim_of_a_deadlock_tries_again_however_short_its_patience(transactional_db):
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
