"""Fixtures that every test may use. Rows arrive by the front door: through launch and workers."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import Permission, User
from django.db import connection

from jobs import audit
from jobs.live import hub
from jobs.sight import run_times
from tests.faults.redis import RedisServer
from tests.support import ROOT, Program, program, register_worker
from tests.support.rows import empty_tables

IN_BROWSER = ROOT / "tests/browser"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """On PostgreSQL only what uses a database is run; a few tests are for one database alone.

    Pages and commands do not know which one it is: only ``--full`` runs a test of theirs on
    PostgreSQL, unless it is marked ``both`` or ``postgres``.
    """
    on_sqlite = connection.vendor == "sqlite"
    other = "postgres" if on_sqlite else "sqlite"
    kept, left = [], []
    for item in items:
        wanted = not item.get_closest_marker(other) and (
            on_sqlite or "db" in item.fixturenames or "transactional_db" in item.fixturenames
        )
        (kept if wanted else left).append(item)
        is_either = IN_BROWSER in item.path.parents or item.get_closest_marker("either")
        is_named = item.get_closest_marker("both") or item.get_closest_marker("postgres")
        if is_either and not is_named and not on_sqlite:
            item.add_marker("full")
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """The settings already name a database per worker: child processes read them too."""


@pytest.fixture(scope="session", autouse=True)
def _no_session_left(django_db_setup, django_db_blocker):
    """A database with open sessions could not be dropped."""
    yield
    hub.close_ended()
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock():
            _end_other_sessions()


def _end_other_sessions():
    """Of processes that tests have killed or cut off, the server may notice the end much later."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT state, backend_start, query, pg_terminate_backend(pid) {others}")
        for session in cursor.fetchall():
            print("A session was left behind:", *session[:3], file=sys.stderr)


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    """The database, to which tests commit; emptied afterwards.

    The rows that migrations create stay: creating them again, as a flush does, takes longer than
    most tests.
    """
    with django_db_blocker.unblock():
        yield
        empty_tables()
        run_times._remembered.clear()
        hub.close_ended()
        # The thread in which asynchronous tests use the database outlives them.
        SyncToAsync.single_thread_executor.submit(_close_connection).result()


def _close_connection():
    connection.close()


@pytest.fixture
def database(transactional_db):
    """The database file, shared with child processes; after the test its journal adds up."""
    yield
    assert list(audit.differences()) == []


@pytest.fixture
def claimant(database):
    """What a worker works on, without the processes: this process claims and finishes steps."""
    registration, claimant = register_worker()
    yield claimant
    registration.deregister()


@pytest.fixture
def serving_worker(database):
    """``serving_worker("gpu:1,default")``: a worker process for these queues."""

    @contextmanager
    def serve(queues: str):
        with program("worker", "--slots", "2", "--queues", queues) as running:
            running.wait_for_line("Worker with")
            yield running

    return serve


@pytest.fixture
def worker(database):
    """A worker process with two slots."""
    with program("worker", "--slots", "2") as running:
        running.wait_for_line("Worker with")
        yield running


@pytest.fixture
def serving(database):
    """``serving(*options)``: a web server on a free port, with a worker by default."""

    @contextmanager
    def serve(*options: str, env: dict[str, str] | None = None):
        with program("serve", "--port", "0", *options, env=env) as running:
            running.url = running.wait_for_line("Ready: ").removeprefix("Ready: ").rstrip("/")
            yield running

    return serve


@pytest.fixture
def redis(tmp_path):
    """A Redis of the test's own; ``redis.url`` says where."""
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _shared_web(django_db_setup):
    """``_shared_web()``: a web server that lives as long as the test run, or the next one."""
    servers: list[Program] = []

    def running() -> Program:
        if not servers or servers[-1].process.poll() is not None:
            server = Program("serve", "--port", "0", "--no-worker")
            servers.append(server)
            server.url = server.wait_for_line("Ready: ").removeprefix("Ready: ").rstrip("/")
        servers[-1].errors.clear()
        return servers[-1]

    yield running
    for server in servers:
        server.end()


@pytest.fixture
def web(database, _shared_web):
    """A web server without a worker, which tests share: it remembers only what is in rows,
    and run times for a while.

    ``web.url`` says where. A test that needs options or an end starts its own with ``serving``.
    """
    return _shared_web()


@pytest.fixture
def site(web, worker):
    """The same with a worker."""
    return web


@pytest.fixture
def admin_user(database):
    return User.objects.create_superuser("ada", "ada@example.com", "secret")


@pytest.fixture
def ada(client, admin_user):
    """A client logged in as the superuser."""
    client.force_login(admin_user)
    return client


@pytest.fixture
def login(client, database):
    """``login(*permissions)``: a client logged in as a user with just these permissions."""

    def log_in(*permissions):
        user = User.objects.create_user("vera")
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        assert user.user_permissions.count() == len(permissions)
        client.force_login(user)
        return client

    return log_in
