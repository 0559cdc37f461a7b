"""``/readyz``: what a process that is asked whether it can serve pages answers."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from channels.layers import channel_layers as configured
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from jobs import journal, news
from jobs.database import triggers
from jobs.defaults import channel_layers
from jobs.journal.installing import FUNCTIONS
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.sight import backlog
from jobs.statuses import Verdict
from jobs.views import health
from tests.support import Cost, ended, register_worker, wait_for

LOGIN_REQUIRED = f"{LoginRequiredMiddleware.__module__}.{LoginRequiredMiddleware.__name__}"


def ask(client, **headers):
    """The status and what it says."""
    answer = client.get("/readyz", headers=headers)
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.status_code, answer.json()


def test_with_nothing_to_do_it_is_ready(client, database):
    assert ask(client) == (
        200,
        {
            "ready": True,
            "database": "ready",
            "channel_layer": "in memory",
            "workers": 0,
            "oldest_ready_step_seconds": None,
        },
    )


def test_it_counts_the_workers_that_live(client, claimant):
    other, _ = register_worker()
    assert ask(client)[1]["workers"] == 2
    other.deregister()
    assert ask(client)[1]["workers"] == 1


def test_it_says_how_long_the_oldest_ready_step_has_waited(client, claimant, monkeypatch):
    launch("noop")
    young = launch("noop")
    moment = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment + timedelta(seconds=60))
    status, found = ask(client)
    assert status == 200
    assert 60 <= found["oldest_ready_step_seconds"] < 90
    for job in (young, launch("noop")):
        cancel(job.pk)
    claim(claimant, room=1)  # the first step of the other job, whose second one is not ready
    assert ask(client)[1]["oldest_ready_step_seconds"] is None


def test_a_step_waits_from_the_moment_when_the_steps_that_it_needs_have_succeeded(
    claimant, monkeypatch
):
    launch("noop")
    [held] = claim(claimant, room=1)
    finished = timezone.now() + timedelta(seconds=40)
    monkeypatch.setattr("django.utils.timezone.now", lambda: finished)
    finish(claimant, held, ended(Verdict.RETURNED), room=0)
    assert backlog.oldest_ready_seconds() == 0
    monkeypatch.setattr("django.utils.timezone.now", lambda: finished + timedelta(seconds=2))
    assert backlog.oldest_ready_seconds() == 2


def test_the_pause_before_a_retry_is_no_waiting(claimant, monkeypatch):
    job = launch("patient", {"gate": "/gate"})
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    paused = job.steps.get(pk=held.step_id)
    assert paused.not_before is not None
    assert backlog.oldest_ready_seconds() is None
    due = paused.not_before
    monkeypatch.setattr("django.utils.timezone.now", lambda: due + timedelta(seconds=3))
    assert backlog.oldest_ready_seconds() == 3


def test_what_is_read_of_a_backlog_is_bounded(database, monkeypatch):
    for _ in range(4):
        launch("noop")
    monkeypatch.setattr(backlog, "MOST_READ", 2)
    with Cost() as cost:
        assert backlog.oldest_ready_seconds() is not None
    assert len(cost.statements) == 2
    assert "LIMIT 2" in cost.statements[0]


def test_it_only_reads(client, claimant):
    launch("noop")
    with Cost() as cost:
        ask(client)
    assert {sql.split()[0] for sql in cost.statements} <= {"SELECT", "WITH"}
    assert len(cost.statements) < 10


# --- the database ---------------------------------------------------------------------------------


@contextlib.contextmanager
def unapplied():
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("truestep", "0001_initial")
    yield "migrations_missing"
    recorder.record_applied("truestep", "0001_initial")


@contextlib.contextmanager
def without_a_trigger():
    triggers.remove()
    yield "triggers_missing"
    triggers.install()


@contextlib.contextmanager
def without_a_function():
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION {FUNCTIONS[0].name}(jsonb)")
    yield "functions_missing"
    journal.install()


@pytest.mark.parametrize(
    "damage",
    [unapplied, without_a_trigger, pytest.param(without_a_function, marks=pytest.mark.postgres)],
)
def test_a_database_that_is_not_migrated_is_not_ready(client, database, caplog, damage):
    with damage() as code:
        status, found = ask(client)
        assert (status, found["ready"], found["database"]) == (503, False, code)
        assert (found["workers"], found["oldest_ready_step_seconds"]) == (None, None)
        ask(client)
    assert ask(client)[0] == 200
    assert caplog.text.count("Not ready: The database lacks") == 1
    assert "migrate" in caplog.text


def test_nothing_of_an_error_is_shown(client, database, monkeypatch, caplog):
    def fail():
        raise OperationalError('connection to "db.example" failed for user "secret"')

    monkeypatch.setattr(health.workers, "living", fail)
    status, found = ask(client)
    assert (status, found["database"]) == (503, "database_unusable")
    assert "secret" not in str(found)
    assert "db.example" in caplog.text


# --- the channel layer ----------------------------------------------------------------------------


@pytest.fixture
def layer_of(settings, monkeypatch):
    """``layer_of(url)``: the channel layer of this process, with a publisher of its own."""

    def use(url):
        settings.CHANNEL_LAYERS = channel_layers(url)
        monkeypatch.setattr(configured, "backends", {})
        monkeypatch.setattr(news, "_publisher", news._Publisher())

    yield use
    configured.backends.clear()


def test_without_a_layer_it_says_so(client, database, monkeypatch):
    monkeypatch.setattr(news, "get_channel_layer", lambda: None)
    assert ask(client)[1]["channel_layer"] == "none"


@pytest.mark.slow
def test_a_message_goes_through_redis_and_back(client, database, redis, layer_of, monkeypatch):
    layer_of(redis.url)
    for _ in range(3):
        assert ask(client)[1]["channel_layer"] == "reachable"
    assert len(redis.command("PUBSUB", "CHANNELS", "*")) == 1  # the same one each time
    redis.stop()
    assert ask(client) == (200, ask(client)[1] | {"channel_layer": "unreachable"})
    redis.start()
    wait_for(lambda: ask(client)[1]["channel_layer"] == "reachable")


@pytest.mark.slow
def test_a_redis_that_hangs_is_unreachable_within_the_deadline(client, database, redis, layer_of):
    layer_of(redis.url)
    assert ask(client)[1]["channel_layer"] == "reachable"
    redis.pause()
    started = timezone.now()
    assert ask(client) == (200, ask(client)[1] | {"channel_layer": "unreachable"})
    assert timezone.now() - started < timedelta(seconds=2 * 2 * news.PROBE_SECONDS + 1)
    redis.resume()
    wait_for(lambda: ask(client)[1]["channel_layer"] == "reachable")


# --- who may ask ----------------------------------------------------------------------------------


def test_a_probe_needs_no_login_no_allowed_host_and_no_https(client, database, settings):
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    assert ask(client, host="10.0.0.7:8000")[0] == 200
    assert client.post("/readyz", headers={"host": "10.0.0.7:8000"}).status_code == 405


def test_a_probe_needs_no_login_where_every_page_does(client, database, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[1:], LOGIN_REQUIRED]
    assert ask(client)[0] == 200


async def test_a_probe_is_answered_in_an_asynchronous_server_too(async_client, database, settings):
    settings.ALLOWED_HOSTS = []
    answer = await async_client.get("/readyz", headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.json()["database"]) == (200, "ready")
