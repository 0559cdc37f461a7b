"""Signs of life: a lock that the kernel holds for as long as the process lives."""

import os
import subprocess
import sys
import tempfile
import time

import pytest
from django.db.models import F

from jobs import database as database_module
from jobs import workers
from jobs.models import Worker
from jobs.orchestrator import launch
from tests.faults.database import DatabaseFaults
from tests.support import wait_for


@pytest.fixture
def post(database):
    post = workers.register(slots=2, knows={"noop": ["one"]})
    yield post
    post._aside.close()


def is_alive_elsewhere(worker):
    """As another process sees it; locks are not shared with the one that took them."""
    probe = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'r+'), fcntl.LOCK_SH | fcntl.LOCK_NB)"
    return subprocess.run(
        [sys.executable, "-c", probe, worker.lock_path], capture_output=True
    ).returncode


def test_a_registered_worker_is_alive(post):
    row = Worker.objects.get()
    assert workers.is_alive(row)
    assert workers.living() == [row]
    assert is_alive_elsewhere(row)
    assert (row.pid, row.slots, row.knows, row.beats) == (os.getpid(), 2, {"noop": ["one"]}, 0)


def test_a_deregistered_worker_is_not_alive(post):
    post.deregister()
    row = Worker.objects.get()
    assert row.stopped_at
    assert not workers.is_alive(row)
    assert workers.living() == []
    assert not os.path.exists(row.lock_path)


def test_an_ended_worker_is_forgotten(post):
    """A web process sees many workers come and go."""
    assert workers.living() == [post.worker]
    assert post.worker.uuid in workers.liveness._observations
    post.deregister()
    assert workers.living() == []
    assert post.worker.uuid not in workers.liveness._observations


def test_a_worker_whose_lock_is_free_is_dead_immediately(post):
    os.close(post._lock)
    assert not workers.is_alive(Worker.objects.get())


@pytest.mark.parametrize("where", ["on another host", "where its lock cannot be seen"])
def test_a_worker_elsewhere_is_alive_while_its_beats_rise(post, settings, where):
    """By the observer's clock, from the moment it first looked."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    if where == "on another host":
        Worker.objects.update(host="far.example")
        os.close(post._lock)
    else:
        os.unlink(post.worker.lock_path)

    def is_alive():
        return workers.is_alive(Worker.objects.get())

    assert is_alive()
    wait_for(lambda: not is_alive())
    Worker.objects.update(beats=F("beats") + 1)
    assert is_alive()
    wait_for(lambda: not is_alive())


def test_a_worker_is_not_mistaken_for_an_older_one_with_its_number(post, settings):
    """A restored or newly created database reuses its numbers."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    number = post.worker.pk
    os.unlink(post.worker.lock_path)
    wait_for(lambda: not workers.is_alive(Worker.objects.get()))
    post.worker.delete()
    newer = workers.register(slots=1, knows={})
    os.unlink(newer.worker.lock_path)
    Worker.objects.update(id=number)
    assert workers.is_alive(Worker.objects.get())


def test_letting_go_of_the_lock_can_be_repeated(post):
    post.release()
    with tempfile.TemporaryFile() as other:  # has the number that the lock had
        post.release()
        other.write(b"still open")


def test_asking_does_not_take_the_lock_away(post):
    for _ in range(3):
        assert workers.is_alive(post.worker)
    os.close(post._lock)
    assert not workers.is_alive(post.worker)
    assert not workers.is_alive(post.worker)


def test_a_child_that_outlives_its_worker_does_not_keep_it_alive(post):
    """The lock is closed when another program is started."""
    with subprocess.Popen(["sleep", "600"]) as child:
        os.close(post._lock)
        try:
            assert not workers.is_alive(post.worker)
        finally:
            child.kill()


def test_beats_for_other_hosts_are_counted_in_the_row(post):
    post.beat_in_row()
    post.beat_in_row()
    assert Worker.objects.get().beats == 2


def test_on_the_same_host_the_heartbeats_of_the_lock_file_count(post, settings):
    """The row may say anything: it may be locked."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    row = post.worker
    assert workers.is_alive(row)
    wait_for(lambda: not workers.is_alive(row))
    Worker.objects.update(beats=F("beats") + 1)
    assert not workers.is_alive(Worker.objects.get())
    post.beat()
    assert workers.is_alive(row)


def test_no_lock_of_the_database_keeps_a_worker_from_beating(post, tmp_path):
    """Neither in its file nor, as far as it is concerned, in its row: a lock is an answer."""
    with DatabaseFaults(tmp_path).busy():
        before = post._answered_at
        post.beat()
        with pytest.raises(database_module.DATABASE_ERRORS) as busy:
            post.beat_in_row()
        assert database_module.outage_of(busy.value) is database_module.Outage.BUSY
        assert post._answered_at > before
        assert not post.reason_to_stop
    post.beat_in_row()


@pytest.mark.slow
def test_time_with_a_locked_row_does_not_count_against_a_worker(post, settings, tmp_path):
    """Nor does it afterwards: the whole lease is there again."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.4, "beat": 0.1}
    Worker.objects.update(host="far.example")
    with DatabaseFaults(tmp_path).busy():
        two_leases_later = time.monotonic() + 0.8
        while time.monotonic() < two_leases_later:
            workers.mark_dead_workers()
        assert Worker.objects.get().stopped_at is None
    workers.mark_dead_workers()
    assert Worker.objects.get().stopped_at is None
    wait_for(lambda: workers.mark_dead_workers() or Worker.objects.get().stopped_at)


def test_the_dead_are_signed_off_by_others(post):
    other = workers.register(slots=1, knows={})
    os.close(post._lock)
    workers.mark_dead_workers()
    dead, alive = Worker.objects.order_by("pk")
    assert dead.stopped_at
    assert not os.path.exists(dead.lock_path)
    assert (alive.pk, alive.stopped_at) == (other.worker.pk, None)


def test_a_worker_for_one_job_takes_no_other(database):
    mine, theirs = launch("noop"), launch("noop")
    everybodys = workers.register(slots=1, knows={}).worker
    own = workers.register(slots=1, knows={}, only_job=mine.pk).worker
    assert workers.workers_for(mine.pk, [everybodys, own]) == [everybodys, own]
    assert workers.workers_for(theirs.pk, [everybodys, own]) == [everybodys]


@pytest.mark.parametrize(
    ("definition", "step", "known"),
    [("noop", "one", True), ("noop", "two", False), ("diamond", "one", False)],
)
def test_a_worker_knows_pairs_of_definition_and_step(post, definition, step, known):
    assert workers.knows_steps(post.worker, definition, [step]) == known
    assert workers.KnownSteps([post.worker]).has(7, definition, step) == known


def test_the_steps_of_a_worker_for_one_job_count_for_that_job_only(database):
    mine = launch("noop")
    own = workers.register(slots=1, knows={"noop": ["one"]}, only_job=mine.pk).worker
    known = workers.KnownSteps([own])
    assert [known.has(pk, "noop", "one") for pk in (mine.pk, mine.pk + 1)] == [True, False]
