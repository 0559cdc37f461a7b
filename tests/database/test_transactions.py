"""Short transactions, whole snapshots, a fair turn for all."""

import fcntl
import os
from functools import partial

import pytest
from django.db import (
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from jobs import database
from jobs.database.sqlite import turns
from jobs.exceptions import DatabaseBusy
from jobs.models import Job
from jobs.orchestrator import launch
from tests.support import Cost, in_threads, job_of


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
    statements = [query["sql"] for query in cost]
    for sql, start in zip(statements, expected, strict=True):
        assert sql.startswith(start)


def test_a_lock_timeout_ends_with_a_block_that_fails(transactional_db):
    connection.ensure_connection()
    before = database.dialect().lock_timeout()
    with pytest.raises(ZeroDivisionError), database.lock_timeout(0.123):
        assert database.dialect().lock_timeout() != before
        raise ZeroDivisionError
    assert database.dialect().lock_timeout() == before


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
def test_a_write_that_times_out_names_the_holder(transactional_db):
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


@pytest.mark.postgres
def test_a_lost_connection_is_replaced(transactional_db):
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
def test_a_connection_to_a_file_is_replaced_after_an_error(transactional_db):
    job = launch("noop")
    connection.connection.close()
    with pytest.raises(ProgrammingError):
        job_of(job.pk)
    database.discard_broken_connection()
    assert job_of(job.pk) == job
