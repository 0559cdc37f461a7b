"""A watch for commits lets its thread sleep, and wakes it when another connection commits."""

import math
import os
import resource
import select
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from functools import partial

import pytest
from django.db import connection, transaction

from jobs import database
from jobs.database import watch_commits
from jobs.database.sqlite import watch as watching
from jobs.models import Step
from jobs.orchestrator import cancel, launch
from tests.support import in_threads, wait_for

COMMIT_WITHOUT_END = """
import sys
from jobs.backends.sqlite.library import library
file = library.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA synchronous = OFF")
file.execute("CREATE TABLE IF NOT EXISTS of_another_program (n)")
print("committing", flush=True)
while True:
    file.execute("INSERT INTO of_another_program VALUES (1)")
"""


@pytest.fixture
def watch(transactional_db):
    connection.ensure_connection()
    watch = watch_commits()
    yield watch
    watch.close()


def settle(watch):
    """Wait until everything that was committed before is reported."""
    wait_for(lambda: not watch.changed() and watch.pause > 0.2)


def sleep(watch, seconds):
    """Do what owners of a watch do; how often it woke them, and how often it reported a change."""
    woke = changed = 0
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        select.select([watch], [], [], min(watch.pause, left))
        woke += 1
        changed += watch.changed()
    return woke, changed


def sleep_for_ever(watch):
    """Unless something is reported from now on."""
    watch.changed()
    watch._due, watch._leeway = math.inf, 0.0


def wakes(watch):
    """Sleep until something has changed; True, or an error after a while."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        select.select([watch], [], [], min(watch.pause, 30))
        if watch.changed():
            return True
    raise AssertionError("it did not wake")


def test_the_first_look_reports_a_change(watch):
    assert watch.changed()
    assert not watch.changed()


def test_the_commit_of_another_connection_is_reported_once(watch):
    job = launch("noop")
    settle(watch)
    in_threads(lambda: cancel(job.pk))
    wait_for(watch.changed)
    assert not watch.changed()


@pytest.mark.sqlite
def test_the_threads_own_commit_is_not_reported(watch):
    settle(watch)
    launch("noop")
    assert not watch.changed()


def test_an_open_transaction_is_not_reported(watch):
    job = launch("noop")
    in_threads(lambda: cancel(job.pk))
    settle(watch)
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
def test_a_watch_that_lost_its_connection_listens_again(watch):
    settle(watch)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    wait_for(watch.changed)
    wait_for(lambda: watch.changed() and watch._listening)
    assert not watch.changed()
    cancel(launch("noop").pk)
    wait_for(watch.changed)


@pytest.mark.slow
def test_it_sleeps_until_a_commit_whatever_other_files_are_written(watch):
    launch("noop")
    settle(watch)
    with busy_folder():
        woke, changed = sleep(watch, 1.0)
    assert woke <= 10  # to poll would be to wake a hundred times
    assert changed == 0


@contextmanager
def busy_folder():
    """Another program writes to a log beside the database without end."""
    end = threading.Event()
    with tempfile.NamedTemporaryFile(dir=os.environ["TRUESTEP_TEST_DIR"]) as log:

        def write():
            while not end.wait(0.001):
                os.write(log.fileno(), b"a line\n")

        writer = threading.Thread(target=write)
        writer.start()
        yield
        end.set()
        writer.join()


@pytest.mark.slow
def test_every_commit_of_another_connection_wakes_it(watch):
    job = launch("noop")
    step = Step.objects.filter(job=job)

    def with_ticket():
        with database.write():
            step.update(progress_text="a")

    def without_ticket():
        with transaction.atomic():
            step.update(progress_text="b")

    settle(watch)
    for _ in range(25):
        for commit in (with_ticket, without_ticket):
            sleep_for_ever(watch)
            writer = threading.Thread(target=partial(in_threads, commit))
            writer.start()
            assert wakes(watch)
            writer.join()


@pytest.mark.sqlite
def test_writes_of_an_open_transaction_are_no_change(watch):
    checkpoint("RESTART")
    launch("noop")
    settle(watch)
    with large_transaction():
        assert select.select([watch], [], [], 30)[0]
        assert sleep(watch, 0.3)[1] == 0


@pytest.mark.sqlite
def test_each_file_reports_one_write_between_two_looks(watch):
    launch("noop")
    settle(watch)
    sleep_for_ever(watch)
    with large_transaction() as cursor:
        assert select.select([watch], [], [], 30)[0]
        sleep_for_ever(watch)  # what has been reported is read
        cursor.execute("INSERT INTO of_another_program VALUES (randomblob(1000000))")
        assert not select.select([watch], [], [], 0.1)[0]
        watch._due = 0.0
        watch.changed()  # it looks
        sleep_for_ever(watch)
        cursor.execute("INSERT INTO of_another_program VALUES (randomblob(1000000))")
        assert select.select([watch], [], [], 30)[0]


@pytest.mark.sqlite
def test_a_transaction_that_restarts_the_log_is_one_change_at_most(watch):
    launch("noop")
    settle(watch)
    checkpoint("PASSIVE")  # the next write starts at the beginning of the log
    with large_transaction():
        assert select.select([watch], [], [], 30)[0]
        assert sleep(watch, 0.3)[1] <= 1


def checkpoint(mode):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_checkpoint({mode})")
        assert cursor.fetchone()[0] == 0


@contextmanager
def large_transaction():
    """Open on another connection, with pages in the log that are not committed."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("PRAGMA cache_size = 2")  # pages are written long before the commit
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("CREATE TABLE of_another_program AS SELECT randomblob(1000000)")
        yield cursor


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("wake_ups", [50, 150])
def test_a_thousand_commits_a_second_wake_it_only_so_often(transactional_db, wake_ups):
    connection.ensure_connection()
    with closing(watch_commits(wake_ups)) as watch:
        woke, changed = sleep_beside_commits(watch)
    assert 10 <= changed <= woke <= 2 * wake_ups + 1


def sleep_beside_commits(watch):
    """How often two seconds of commits without end woke the watch, and how often it reported."""
    settle(watch)
    name = connection.settings_dict["NAME"]
    command = [sys.executable, "-c", COMMIT_WITHOUT_END, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as storm:
        try:
            assert storm.stdout.readline()
            woke, changed = sleep(watch, 2.0)
        finally:
            storm.kill()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM of_another_program")
        commits = cursor.fetchone()[0]
        cursor.execute("DROP TABLE of_another_program")
    assert commits > 200
    return woke, changed


@pytest.mark.sqlite
def test_without_inotify_it_polls_and_warns_once(transactional_db, monkeypatch, caplog):
    monkeypatch.setattr(watching, "_polls", False)
    connection.ensure_connection()
    watches = [without_descriptors_left(watch_commits) for _ in range(2)]
    for watch in watches:
        settle_polling(watch)
        assert watch.pause <= watching.POLL_SECONDS
    assert [record.message for record in caplog.records if "every 10 ms" in record.message] == [
        caplog.records[0].message
    ]
    job = launch("noop")
    in_threads(lambda: cancel(job.pk))
    for watch in watches:
        assert wakes(watch)
        watch.close()


def settle_polling(watch):
    wait_for(lambda: not watch.changed())


def without_descriptors_left(make):
    """What *make* returns, when it can open a single file and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
    try:
        return make()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
