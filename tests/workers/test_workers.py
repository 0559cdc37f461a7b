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
def registration(database):
    registration = workers.register(slots=2, knows={"noop": ["one"]})
    yield registration
    registration._aside.close()


def is_alive_elsewhere(worker):
    """As another process sees it; locks are not shared with the one that took them."""
    probe = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'r+'), fcntl.LOCK_SH | fcntl.LOCK_NB)"
    return subprocess.run(
        [sys.executable, "-c", probe, worker.lock_path], capture_output=True
    ).returncode


def test_a_registered_worker_is_alive(registration):
    row = Worker.objects.get()
    assert workers.is_alive(row)
    assert workers.living() == [row]
    assert is_alive_elsewhere(row)
    assert (row.pid, row.slots, row.knows, row.beats) == (os.getpid(), 2, {"noop": ["one"]}, 0)


def test_a_deregistered_worker_is_not_alive(registration):
    registration.deregister()
    row = Worker.objects.get()
    assert row.stopped_at
    assert not workers.is_alive(row)
    assert workers.living() == []
    assert not os.path.exists(row.lock_path)


def test_an_ended_worker_is_forgotten(registration):
    """A web process sees many workers come and go."""
    assert workers.living() == [registration.worker]
    assert registration.worker.uuid in workers.liveness._observations
    registration.deregister()
    assert workers.living() == []
    assert registration.worker.uuid not in workers.liveness._observations


def test_a_worker_whose_lock_is_free_is_dead_immediately(registration):
    os.close(registration._lock)
    assert not workers.is_alive(Worker.objects.get())


@pytest.mark.parametrize("where", ["on another host", "where its lock cannot be seen"])
def test_a_worker_elsewhere_is_alive_while_its_beats_rise(registration, settings, where):
    """By the observer's clock, from the moment it first looked."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    if where == "on another host":
        Worker.objects.update(host="far.example")
        os.close(registration._lock)
    else:
        os.unlink(registration.worker.lock_path)

    def is_alive():
        return workers.is_alive(Worker.objects.get())

    assert is_alive()
    wait_for(lambda: not is_alive())
    Worker.objects.update(beats=F("beats") + 1)
    assert is_alive()
    wait_for(lambda: not is_alive())


def test_a_worker_is_not_mistaken_for_an_older_one_with_its_number(registration, settings):
    """A restored or newly created database reuses its numbers."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    number = registration.worker.pk
    os.unlink(registration.worker.lock_path)
    wait_for(lambda: not workers.is_alive(Worker.objects.get()))
    registration.worker.delete()
    newer = workers.register(slots=1, knows={})
    os.unlink(newer.worker.lock_path)
    Worker.objects.update(id=number)
    assert workers.is_alive(Worker.objects.get())


def test_letting_go_of_the_lock_can_be_repeated(registration):
    registration.release()
    with tempfile.TemporaryFile() as other:  # has the number that the lock had
        registration.release()
        other.write(b"still open")


def test_asking_does_not_take_the_lock_away(registration):
    for _ in range(3):
        assert workers.is_alive(registration.worker)
    os.close(registration._lock)
    assert not workers.is_alive(registration.worker)
    assert not workers.is_alive(registration.worker)


def test_a_child_that_outlives_its_worker_does_not_keep_it_alive(registration):
    """The lock is closed when another program is started."""
    with subprocess.Popen(["sleep", "600"]) as child:
        os.close(registration._lock)
        try:
            assert not workers.is_alive(registration.worker)
        finally:
            child.kill()


def test_beats_for_other_hosts_are_counted_in_the_row(registration):
    registration.beat_in_row()
    registration.beat_in_row()
    assert Worker.objects.get().beats == 2


def test_on_the_same_host_the_heartbeats_of_the_lock_file_count(registration, settings):
    """The row may say anything: it may be locked."""
    settings.TRUESTEP = settings.TRUESTEP | {"lease": 0.2, "beat": 0.05}
    row = registration.worker
    assert workers.is_alive(row)
    wait_for(lambda: not workers.is_alive(row))
    Worker.objects.update(beats=F("beats") + 1)
    assert not workers.is_alive(Worker.objects.get())
    registration.beat()
    assert workers.is_alive(row)


def test_no_lock_of_the_database_keeps_a_worker_from_beating(registration, tmp_path):
    """Neither in its file nor, as far as it is concerned, in its row: a lock is an answer."""
    with DatabaseFaults(tmp_path).busy():
        before = registration._answered_at
        registration.beat()
        with pytest.raises(database_module.DATABASE_ERRORS) as busy:
            registration.beat_in_row()
        assert database_module.outage_of(busy.value) is database_module.Outage.BUSY
        assert registration._answered_at > before
        assert not registration.reason_to_stop
    registration.beat_in_row()


@pytest.mark.slow
def test_time_with_a_locked_row_does_not_count_against_a_worker(registration, settings, tmp_path):
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


def test_the_dead_are_signed_off_by_others(registration):
    other = workers.register(slots=1, knows={})
    os.close(registration._lock)
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
def test_a_worker_knows_pairs_of_definition_and_step(registration, definition, step, known):
    assert workers.knows(registration.worker, definition, step) == known
    assert workers.KnownSteps([registration.worker]).has(step, definition, "default", 7) == known


def test_the_steps_of_a_worker_for_one_job_count_for_that_job_only(database):
    mine = launch("noop")
    own = workers.register(slots=1, knows={"noop": ["one"]}, only_job=mine.pk).worker
    known = workers.KnownSteps([own])
    assert [known.has("one", "noop", "default", pk) for pk in (mine.pk, mine.pk + 1)] == [
        True,
        False,
    ]
