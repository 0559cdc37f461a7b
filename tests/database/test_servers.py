"""A PostgreSQL that restarts, or allows few connections."""

import json
import os
import time
import urllib.error
import urllib.request
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from jobs.orchestrator import cancel, launch
from tests.faults.database import ONCE, SECONDS, complaint, moves_of
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.websocket import TEXT, RawSocket
from tests.support import finished, in_threads, program, running, step_of, verdicts, wait_for
from tests.support.programs import family_at_work, wait_until_spares_are_left

pytestmark = pytest.mark.slow


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
def test_a_restart_of_the_server_loses_nothing(faults, proxy, tmp_path):
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
def test_a_worker_without_heartbeats_ends_and_requeues_its_steps(faults, proxy, tmp_path):
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
