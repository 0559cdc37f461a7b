"""Databases that are busy, full, read-only or away: what runs goes on by itself afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from jobs import database as db
from jobs.exceptions import DatabaseBusy
from jobs.models import Attempt, Job
from jobs.orchestrator import cancel, launch
from tests.faults.database import SECONDS, DatabaseFaults, leave_no_page_free
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.websocket import TEXT, RawSocket
from tests.support import (
    ROOT,
    finished,
    in_threads,
    journal,
    program,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.programs import family_at_work, sleepers, wait_until_spares_are_left

pytestmark = pytest.mark.slow


@pytest.fixture
def trouble(database, tmp_path):
    made = DatabaseFaults(tmp_path)
    yield made
    made.forget()


def complaint(process, words):
    """What the process has said about the database."""
    return wait_for(
        lambda: next((line for line in process.errors if words in line), None),
        SECONDS,
        f"{words!r} in {process.errors}",
    )


def moves_of(job, name):
    return [(old, new) for step, old, new in journal(job) if step == name]


ONCE = [("pending", "running"), ("running", "succeeded")]


# --- workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [("busy", "is locked by"), ("full", "is full"), ("read_only", "is read-only")],
)
def test_a_step_that_ends_meanwhile_keeps_its_outcome(trouble, tmp_path, kind, words):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1", env=trouble.env) as worker:
        job = launch("bulky", {"gate": str(gate)})
        running(job, "bulk", SECONDS)
        with getattr(trouble, kind)():
            gate.touch()
            told = complaint(worker, words)
            assert db.name() in told
            assert step_of(job, "bulk").status == "running"
        job = finished(job, SECONDS)
        assert worker.process.poll() is None
    assert statuses(job) == {"bulk": "succeeded", "after_bulk": "succeeded"}
    assert moves_of(job, "bulk") == moves_of(job, "after_bulk") == ONCE
    assert Attempt.objects.get(step__name="after_bulk").result == 300_000


def test_a_worker_keeps_its_times_while_the_database_is_busy(trouble):
    with program("worker", "--slots", "2", env=trouble.env | {"TEST_GRACE": "0.5"}) as worker:
        job = launch("brief")
        running(job, "overrun", SECONDS)
        started = wait_for(lambda: sleepers(worker))
        with trouble.busy():
            wait_until_gone(started)
            worker.process.terminate()
            complaint(worker, "is locked by")
            assert worker.process.poll() is None  # it has something to record
        assert worker.wait(SECONDS) == 0
    assert verdicts(job, "overrun") == ["timed out"]


@pytest.mark.full
def test_a_second_signal_ends_a_worker_that_waits_for_the_database(trouble, tmp_path):
    with program("worker", "--slots", "1", env=trouble.env | {"TEST_GRACE": "0.2"}) as worker:
        job = launch("patient", {"gate": str(tmp_path / "gate")})
        running(job, "wait", SECONDS)
        with trouble.busy():
            worker.process.send_signal(signal.SIGTERM)
            complaint(worker, "is locked by")
            worker.process.send_signal(signal.SIGTERM)
            assert worker.wait(SECONDS) == 0
            complaint(worker, "without having recorded")
    with program("worker", "--slots", "1"):
        (tmp_path / "gate").touch()
        assert finished(job, SECONDS).status == "succeeded"


@pytest.mark.parametrize(("command", "code"), [("serve", 1), ("worker", 1), ("launch", 4)])
def test_what_cannot_be_written_to_is_refused_at_the_start(trouble, command, code):
    arguments = {"serve": ["--port", "0"], "worker": [], "launch": ["noop"]}[command]
    with trouble.read_only():
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), command, *arguments],
            env=os.environ | trouble.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    assert done.returncode == code, done.stderr
    [told] = done.stderr.splitlines()
    assert f"The database {db.name()} is read-only" in told
    assert "Let this user write to the file and its directory" in told


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def impatient(transactional_db):
    """This process waits for its turn, and for locks, no longer than a moment."""
    connection.close()
    with db.restoring_lock_timeout():
        db.set_lock_timeout(0.3)
        yield


def full(trouble):
    if connection.vendor == "postgresql":
        return trouble.full()
    leave_no_page_free()
    return closing(_Pragma("max_page_count = 1", f"max_page_count = {2**30}"))


def read_only(trouble):
    if connection.vendor == "postgresql":
        return closing(
            _Pragma("default_transaction_read_only = on", "default_transaction_read_only = off")
        )
    return closing(_Pragma("query_only = 1", "query_only = 0"))


class _Pragma:
    def __init__(self, begin, end):
        self._end = end
        self._run(begin)

    def _run(self, words):
        with connection.cursor() as cursor:
            cursor.execute(("PRAGMA " if connection.vendor == "sqlite" else "SET ") + words)

    def close(self):
        self._run(self._end)


def away(trouble):
    return closing(_Away())


class _Away:
    def __init__(self):
        self._name = "NAME" if connection.vendor == "sqlite" else "PORT"
        self._was = connection.settings_dict[self._name]
        connection.close()
        connection.settings_dict[self._name] = "/nowhere/db" if self._name == "NAME" else "1"

    def close(self):
        connection.close()
        connection.settings_dict[self._name] = self._was


KINDS = {
    "is locked by": lambda trouble: trouble.busy(),
    "is full": full,
    "is read-only": read_only,
    "cannot be reached": away,
}


@pytest.mark.parametrize("words", KINDS)
def test_a_request_that_meets_trouble_is_answered_503_and_says_so(
    ada, trouble, impatient, words, caplog
):
    ada.raise_request_exception = False
    large = {"gate": "x" * 20_000}
    with KINDS[words](trouble):
        answer = ada.post("/launch/bulky/", large)
    page = answer.content.decode()
    assert answer.status_code == 503, page
    assert answer["Retry-After"]
    assert f"The database {words}" in page
    nothing = "Nothing was done" if words == "is locked by" else "has not happened"
    assert nothing in page
    assert str(connection.settings_dict["NAME"]) not in page
    assert not Job.objects.exists()
    assert ada.post("/launch/bulky/", large).status_code == 302
    assert Job.objects.count() == 1


def test_a_bug_is_not_blamed_on_the_database(ada, monkeypatch, caplog):
    monkeypatch.setattr("jobs.orchestrator.cancel", lambda *args, **kwargs: 1 / 0)
    job = launch("noop")
    ada.raise_request_exception = False
    answer = ada.post(f"/jobs/{job.pk}/cancel/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_a_batch_that_waits_in_vain_says_who_holds_it_up_and_leaves_nothing(trouble, impatient):
    job = launch("noop")
    with trouble.busy(), pytest.raises(DatabaseBusy, match="is locked by"):
        cancel(job.pk)
    assert journal(job) == []
    assert cancel(job.pk)


# --- a PostgreSQL that restarts, or has few connections -------------------------------------------


@pytest.fixture
def proxy(database):
    made = PostgresProxy()
    yield made
    made.end()


def sessions(condition):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {condition}")
        return cursor.fetchone()[0]


def listens():
    return sessions("datname = current_database() AND query LIKE 'LISTEN%'")


@pytest.mark.postgres
def test_a_restart_loses_nothing(trouble, proxy, tmp_path):
    gate = tmp_path / "gate"
    with program("worker", "--slots", "1", env={"DATABASE_URL": proxy.url}) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait", SECONDS)
        proxy.cut()
        began = time.monotonic()
        gate.touch()
        assert "at 127.0.0.1" in complaint(worker, "cannot be reached")
        wait_for(lambda: time.monotonic() > began + 3)
        assert not listens()
        proxy.heal()
        assert finished(job, SECONDS).status == "succeeded"
        wait_for(listens, SECONDS, "it listens again")
        assert finished(launch("noop"), SECONDS).status == "succeeded"
        assert worker.process.poll() is None
    assert moves_of(job, "wait") == moves_of(job, "after") == ONCE


@pytest.mark.postgres
def test_a_worker_that_cannot_beat_ends_its_steps_and_gives_them_back(trouble, proxy, tmp_path):
    gate = tmp_path / "gate"
    env = {"DATABASE_URL": proxy.url, "TEST_LEASE": "6"}
    with program("worker", "--slots", "1", env=env) as worker:
        job = launch("patient", {"gate": str(gate)})
        running(job, "wait", SECONDS)
        children = family_at_work(worker, spares=1)
        proxy.cut()
        wait_until_spares_are_left(children, spares=1)  # two thirds of the lease have passed
        proxy.heal()
        wait_for(lambda: step_of(job, "wait").attempt >= 2, SECONDS)
        gate.touch()
        assert finished(job, SECONDS).status == "succeeded"
    *before, last = verdicts(job, "wait")
    assert (set(before), last) == ({"interrupted"}, "returned")
    assert step_of(job, "wait").failures == 0


@pytest.mark.postgres
def test_requests_are_answered_before_during_and_after_a_restart(proxy, ada, serving):
    cookie = {"Cookie": f"sessionid={ada.cookies['sessionid'].value}"}

    def get(path):
        try:
            request = urllib.request.Request(web.url + path, headers=cookie)
            return urllib.request.urlopen(request, timeout=30).status
        except urllib.error.HTTPError as error:
            return error.code

    with serving("--no-worker", env={"DATABASE_URL": proxy.url}) as web:
        assert (get("/"), get("/healthz")) == (200, 200)
        proxy.cut()
        assert (get("/"), get("/healthz")) == (503, 200)
        proxy.heal()
        assert get("/") == 200


@pytest.mark.postgres
def test_60_sockets_need_few_connections(database, serving):
    """Here the server takes 20 from the web process, and refuses the 21st."""
    url = urlsplit(os.environ["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 20")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO narrow")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO narrow")
    try:
        narrow = f"postgres://narrow:narrow@{url.netloc.rpartition('@')[2]}{url.path}"
        with serving("--no-worker", env={"DATABASE_URL": narrow}) as web:
            _watch(web)
            assert not any("cannot be read" in line for line in web.errors)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP OWNED BY narrow; DROP ROLE narrow")


def _watch(web):
    """30 pages of each of two users, each of a job of its own."""
    keys = []
    for name in ("one", "two"):
        client = Client()
        client.force_login(User.objects.create_superuser(name))
        keys.append(client.cookies["sessionid"].value)
    jobs = [launch("noop") for _ in range(60)]

    def open_page(number):
        path = f"/ws/jobs/{jobs[number].pk}/"
        socket = RawSocket(web.url, path, keys[number % 2])
        sockets.append(socket)
        next_of(socket, "tick")

    sockets = []
    answers = in_threads(*[lambda number=number: open_page(number) for number in range(60)])
    assert [answer for answer in answers if answer] == []
    assert 0 < sessions("usename = 'narrow'") <= 20
    path = f"/ws/jobs/{jobs[0].pk}/"
    with closing(RawSocket(web.url, path, keys[0])) as last:
        next_of(last, "tick")
        cancel(jobs[0].pk)
        assert "cancelled" in next_of(last, "changes")
    assert 0 < sessions("usename = 'narrow'") <= 20
    for socket in sockets:
        socket.close()


def next_of(socket, kind):
    """The next frame of this kind, as its text."""
    while True:
        opcode, frame = socket.next()
        if opcode == TEXT and json.loads(frame)["type"] == kind:
            return frame.decode()
