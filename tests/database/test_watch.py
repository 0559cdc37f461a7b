"""A watch for commits lets its thread sleep, and wakes it when somebody has committed."""

import math
import os
import resource
import select
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
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
file.execute("CREATE TABLE IF NOT EXISTS somebody_elses (n)")
print("committing", flush=True)
while True:
    file.execute("INSERT INTO somebody_elses VALUES (1)")
"""


@pytest.fixture
def watch(transactional_db):
    connection.ensure_connection()
    watch = watch_commits()
    yield watch
    watch.close()


def settle(watch):
    """Wait until all that was committed before has been told."""
    wait_for(lambda: not watch.changed() and watch.pause > 0.2)


def sleep(watch, seconds):
    """Do what owners of a watch do; how often they woke, and how often something had changed."""
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
    raise AssertionError("nobody woke")


@pytest.mark.slow
def test_it_sleeps_while_nobody_commits_whatever_happens_beside_the_database(watch):
    launch("noop")
    settle(watch)
    with busy_folder():
        woke, changed = sleep(watch, 1.0)
    assert woke <= 10  # to poll would be to wake a hundred times
    assert changed == 0


@contextmanager
def busy_folder():
    """Somebody writes to a log beside the database without end."""
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
def test_every_commit_of_others_wakes_it_without_a_look_by_the_clock(watch):
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
def test_pages_of_an_open_transaction_wake_it_and_change_nothing(watch):
    launch("noop")
    settle(watch)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("PRAGMA cache_size = 2")  # pages are written long before the commit
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("CREATE TABLE somebody_elses AS SELECT randomblob(1000000)")
        assert select.select([watch], [], [], 30)[0]
        assert sleep(watch, 0.3)[1] == 0
        cursor.execute("ROLLBACK")
    other.close()


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_thousand_commits_a_second_of_others_wake_it_fifty_times_at_most(watch):
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
        cursor.execute("SELECT count(*) FROM somebody_elses")
        commits = cursor.fetchone()[0]
        cursor.execute("DROP TABLE somebody_elses")
    assert commits > 200
    assert 10 <= changed <= woke <= 2 * 50 + 1


@pytest.mark.sqlite
def test_without_a_report_from_the_kernel_it_polls_and_says_so_once(
    transactional_db, monkeypatch, caplog
):
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
