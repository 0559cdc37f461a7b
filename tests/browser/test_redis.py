"""Two web processes and a Redis between them and the workers: one truth, whatever Redis does."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from jobs import orchestrator
from jobs.models import Job
from tests.browser.support import (
    look_at,
    shown_at,
    shown_by_command,
    shown_by_page,
    statuses_seen,
)
from tests.support import at_length, program, returned, wait_for

pytestmark = pytest.mark.slow

PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
BY_TICK, BY_POKE = 2.5, 1.0  # seconds


@pytest.fixture
def webs(serving, redis, settings):
    """Two web processes; this process, too, sends its pokes through Redis."""
    hosts = [{"address": redis.url, "socket_timeout": None, "socket_connect_timeout": 2}]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": PUBSUB, "CONFIG": {"hosts": hosts}}}
    env = {"REDIS_URL": redis.url}
    with serving("--no-worker", env=env) as first, serving("--no-worker", env=env) as second:
        yield first, second


@pytest.fixture
def move(claimant):
    """``move(page, within)``: make the next move; the page shows it within so many seconds."""
    held = []

    def make(page, within: float) -> None:
        if held:
            orchestrator.finish(claimant, claim := held.pop(), returned(), room=0)
        else:
            held.extend(orchestrator.claim(claimant, room=1))
            claim = held[0]
        committed = time.time()
        status = "running" if held else "succeeded"
        assert shown_at(page, claim.name, status) - committed <= within

    return make


@pytest.fixture
def watched(webs, page, redis):
    """A job that is shown by the second web process, which has joined its group."""
    job = orchestrator.launch("long_chain")
    look_at(page, webs[1], job)
    wait_for(redis.subscriptions)
    return job


@pytest.mark.postgres
def test_pages_of_both_processes_show_what_two_workers_do(webs, redis, context, page):
    env = {"REDIS_URL": redis.url}
    jobs = [orchestrator.launch("paced") for _ in range(2)]
    pages = [page, context.new_page()]
    for tab, web, job in zip(pages, webs, jobs, strict=True):
        look_at(tab, web, job)
    with program("worker", env=env), program("worker", env=env):
        for job in jobs:
            wait_for(lambda job=job: Job.objects.get(pk=job.pk).is_finished, 30)
    for tab, job in zip(pages, jobs, strict=True):
        expect(tab.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "succeeded")
        assert shown_by_page(tab) == shown_by_command(job)
    assert statuses_seen(page, "job") == ["pending", "running", "succeeded"]


def test_a_poke_wakes_the_page_long_before_its_tick(watched, page, move):
    for _ in range(8):
        move(page, BY_POKE)


@pytest.mark.parametrize("seconds", at_length(5, 30))
def test_pages_stay_right_when_redis_stops_and_restarts(watched, page, move, redis, seconds):
    """Meanwhile the page is right by its tick; afterwards pokes flow again by themselves."""
    move(page, BY_POKE)
    redis.stop()
    stopped_at = time.monotonic()
    while time.monotonic() - stopped_at < seconds:
        move(page, BY_TICK)
        expect(page.locator("body")).to_have_attribute("data-live", "live")
    redis.start()
    wait_for(redis.subscriptions, 2)
    for _ in range(6):
        move(page, BY_POKE)


@pytest.mark.full
def test_pages_stay_right_when_redis_hangs_and_recovers(watched, page, move, redis):
    redis.pause()
    for _ in range(2):
        move(page, BY_TICK)
    redis.resume()
    move(page, BY_TICK)
    for _ in range(6):
        move(page, BY_POKE)


@pytest.mark.postgres
def test_redis_is_emptied(watched, page, move, redis):
    redis.command("FLUSHALL")
    for _ in range(4):
        move(page, BY_POKE)


@pytest.mark.full
def test_a_page_opened_without_redis_gets_pokes_once_it_is_back(webs, page, move, redis):
    redis.stop()
    look_at(page, webs[0], orchestrator.launch("long_chain"))
    move(page, BY_TICK)
    redis.start()
    wait_for(redis.subscriptions)
    for _ in range(6):
        move(page, BY_POKE)


def test_a_worker_does_not_notice_that_redis_is_gone(redis, serving, page):
    redis.stop()
    with serving(env={"REDIS_URL": redis.url}) as web:
        job = orchestrator.launch("paced")
        look_at(page, web, job)
        expect(page.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "succeeded")
        wait_for(lambda: any("Pokes cannot be sent" in line for line in web.errors))
        assert sum("Pokes" in line for line in web.errors) == 2  # once each: web and worker
        assert not any("Traceback" in line for line in web.errors)
