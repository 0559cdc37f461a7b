"""Restarts, deploys and proxies: what comes between a page and its server."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import expect

from jobs.orchestrator import cancel, claim, finish, launch
from jobs.statuses import Verdict
from tests.browser.support import (
    launched,
    look_at,
    shown_by_command,
    shown_by_page,
    statuses_seen,
    wait_until_finished,
)
from tests.faults.proxy import BAD_GATEWAY
from tests.faults.websocket import RawSocket
from tests.support import ended, in_threads, program, wait_for

PAGES, USERS = 200, 5

on_one_database = pytest.mark.sqlite  # the page does not know which it is


@pytest.fixture
def tab(context):
    """A tab that may complain: Chromium reports each connection that fails."""
    opened = context.new_page()
    yield opened
    opened.close()


@on_one_database
def test_a_page_of_an_older_version_is_right_and_announces_the_newer_one(serving, claimant, tab):
    with serving("--no-worker") as old:
        job = launch("noop")
        look_at(tab, old, job)
        port = str(urlsplit(old.url).port)
    expect(tab.locator("body")).to_have_attribute("data-live", "offline")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    deployed = {"DJANGO_SETTINGS_MODULE": "tests.faults.deployed_settings"}
    with serving("--no-worker", "--port", port, env=deployed):
        expect(tab.locator("#said")).to_contain_text("newer version")
        expect(tab.locator("body")).to_have_attribute("data-live", "live")
        assert shown_by_page(tab) == shown_by_command(job)
        tab.reload()
        expect(tab.locator("body")).to_have_attribute("data-live", "live")
        expect(tab.locator("#said")).to_have_count(0)


@pytest.mark.full
@on_one_database
def test_a_list_of_an_older_version_does_not_claim_to_be_right(serving, tab):
    with serving("--no-worker") as old:
        tab.goto(f"{old.url}/")
        expect(tab.locator("body")).to_have_attribute("data-live", "live")
        port = str(urlsplit(old.url).port)
    launch("noop")
    deployed = {"DJANGO_SETTINGS_MODULE": "tests.faults.deployed_settings"}
    with serving("--no-worker", "--port", port, env=deployed):
        expect(tab.locator("#said")).to_contain_text("newer version")
        expect(tab.locator("body")).to_have_attribute("data-live", "catching-up")


@on_one_database
def test_a_gateway_without_a_server_behind_it_does_not_replace_the_page(
    tab, web, proxied, claimant
):
    proxy = proxied(web)
    job = launch("noop")
    look_at(tab, proxy, job)
    proxy.cut(BAD_GATEWAY)
    expect(tab.locator("body")).to_have_attribute("data-live", "offline")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    expect(tab.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "pending")
    proxy.heal()
    expect(tab.locator("body")).to_have_attribute("data-live", "live")
    assert shown_by_page(tab) == shown_by_command(job)


@pytest.mark.full
@on_one_database
@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda route: route.abort(), id="no answer"),
        pytest.param(lambda route: route.fulfill(status=504), id="a gateway's"),
    ],
)
def test_a_page_does_not_guess_a_missing_response(tab, web, claimant, lose):
    job = launch("noop")
    look_at(tab, web, job)

    def lose_the_answer(route):
        route.fetch(max_redirects=0)
        lose(route)

    tab.route("**/cancel/", lose_the_answer)
    tab.get_by_role("button", name="Cancel this job").click()
    expect(tab.locator("#said")).to_contain_text("Check the history to see whether it went through")
    expect(tab.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "cancelled")
    expect(tab.locator(".entry", has_text="cancel requested")).to_be_visible()


@on_one_database
def test_the_message_about_one_request_is_not_shown_for_the_next(tab, web, claimant):
    job = launch("noop")
    look_at(tab, web, job)
    tab.route("**/cancel/", lambda route: route.abort(), times=1)
    tab.get_by_role("button", name="Cancel this job").click()
    expect(tab.locator("#said")).to_contain_text("No response")
    tab.get_by_role("button", name="Cancel this job").click()
    expect(tab.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "cancelled")
    expect(tab.locator("#said")).to_have_count(0)


@on_one_database
def test_the_tab_says_when_the_page_is_not_live(tab, web, proxied, claimant):
    proxy = proxied(web)
    job = launch("noop")
    look_at(tab, proxy, job)
    title = f"noop #{job.pk} · Truestep"
    icon = tab.locator("link[rel=icon]")
    pending = icon.get_attribute("href")
    expect(tab).to_have_title(f"pending · {title}")
    proxy.cut()
    expect(tab).to_have_title(f"not live · pending · {title}")
    expect(icon).not_to_have_attribute("href", pending)
    proxy.heal()
    expect(tab).to_have_title(f"pending · {title}")
    expect(icon).to_have_attribute("href", pending)


TRANSLATE = """() => {
  document.title = 'в ожидании · ' + document.title.split(' · ').slice(1).join(' · ');
}"""


@on_one_database
def test_a_translated_title_says_what_is_so_after_the_next_change(tab, web, proxied, claimant):
    """As a browser translates it, with other letters; the statuses stay the server's."""
    proxy = proxied(web)
    job = launch("noop")
    look_at(tab, proxy, job)
    title = f"noop #{job.pk} · Truestep"
    held = []
    for status, change in (
        ("running", lambda: held.extend(claim(claimant, room=1))),
        ("not live · running", proxy.cut),
        ("running", proxy.heal),
        ("failed", lambda: finish(claimant, held[0], ended(Verdict.FAILED), room=0)),
    ):
        tab.evaluate(TRANSLATE)
        change()
        expect(tab).to_have_title(f"{status} · {title}")


@on_one_database
@pytest.mark.parametrize("path", ["/", "/admin/truestep/job/", "/admin/truestep/job/{job}/change/"])
def test_every_title_is_restored_whole_after_an_outage(tab, web, proxied, claimant, path):
    proxy = proxied(web)
    job = launch("noop")
    tab.goto(proxy.url + path.format(job=job.pk))
    expect(tab.locator("body")).to_have_attribute("data-live", "live")
    title = tab.title()
    tab.evaluate("document.title = 'übersetzt'")
    proxy.cut()
    expect(tab).to_have_title(f"not live · {title}")
    proxy.heal()
    expect(tab).to_have_title(title)


@on_one_database
def test_after_midnight_what_was_before_has_a_date(tab, web, proxied):
    proxy = proxied(web)
    job = launch("noop")
    now = datetime.now()
    tab.clock.set_fixed_time(now)
    look_at(tab, proxy, job)
    output = [tab.locator("#verified"), tab.locator(".entry time").first]
    date = now.strftime("%-m/%-d/%Y")
    for time_ in output:
        expect(time_).not_to_contain_text(date)
    proxy.cut()
    tab.clock.set_fixed_time(now + timedelta(days=1))
    for time_ in output:
        expect(time_).to_contain_text(date)


@on_one_database
def test_a_slow_server_is_asked_for_one_page_at_a_time(tab, web, claimant):
    jobs = [launch("noop") for _ in range(4)]
    tab.goto(f"{web.url}/")
    expect(tab.locator("body")).to_have_attribute("data-live", "live")
    asked, held = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.route(f"{web.url}/", lambda route: held.append(route), times=1)
    new = launch("noop")
    wait_for(lambda: tab.wait_for_timeout(10) or held, what="the page is fetched")
    for job in jobs:  # the socket reports each, a tenth of a second or more after the other
        cancel(job.pk)
        expect(tab.locator(f"#job-{job.pk} .status")).to_have_text("cancelled")
    assert asked == [f"{web.url}/"]
    held[0].continue_()
    expect(tab.locator(f"#job-{new.pk} .status")).to_have_text("pending")
    expect(tab.locator("body")).to_have_attribute("data-live", "live")


@pytest.mark.full
@on_one_database
def test_an_unanswered_fetch_is_abandoned(tab, web):
    tab.goto(f"{web.url}/")
    expect(tab.locator("body")).to_have_attribute("data-live", "live")
    tab.route(f"{web.url}/", lambda route: None, times=1)
    job = launch("noop")
    expect(tab.locator(f"#job-{job.pk} .status")).to_have_text("pending")
    expect(tab.locator("body")).to_have_attribute("data-live", "live")


@pytest.mark.full
@on_one_database
def test_a_slow_network_delays_the_truth_and_nothing_else(page, web, proxied):
    proxy = proxied(web)
    proxy.delay = 0.3  # seconds, each way
    job = launched("paced")
    look_at(page, proxy, job)
    with program("worker"):
        wait_until_finished(job)
    expect(page.locator(f"#job-{job.pk}")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert shown_by_page(page) == shown_by_command(job)
    assert statuses_seen(page, "job") == ["pending", "running", "succeeded"]


def test_200_pages_that_reconnect_together_are_all_served(web, page, claimant):
    """As after a restart, without the chance that spreads the pages' tries.

    The bound is a deadline; ``benchmarks.storm`` measures.
    """
    sessions = []
    for number in range(USERS):
        client = Client()
        client.force_login(User.objects.create_superuser(f"user {number}"))
        sessions.append(client.cookies["sessionid"].value)
    jobs = [launch("noop") for _ in range(20)]
    look_at(page, web, jobs[0])

    def come_back(number: int) -> float:
        path = f"/ws/jobs/{jobs[number % len(jobs)].pk}/" if number % 4 else "/ws/jobs/"
        socket = RawSocket(web.url, path, sessions[number % USERS])
        while json.loads(socket.next()[1])["type"] not in ("tick", "stale"):
            pass
        sockets.append(socket)
        return time.monotonic() - began

    sockets: list[RawSocket] = []
    began = time.monotonic()
    served = in_threads(*[lambda number=number: come_back(number) for number in range(PAGES)])
    try:
        assert [error for error in served if isinstance(error, Exception)] == []
        assert max(served) < 20
        claim(claimant, room=1)
        running = expect(page.locator("[data-job]"))
        running.to_have_attribute("data-status", "running", timeout=2_500)
    finally:
        for socket in sockets:
            socket.close()
    assert web.errors == []
