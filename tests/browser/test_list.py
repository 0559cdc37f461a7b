"""The list keeps itself true: new jobs appear, statuses change, whatever the filter."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.orchestrator import launch
from tests.browser.support import launched
from tests.support import program


def test_new_jobs_appear_and_change_without_a_reload(page, web):
    page.goto(f"{web.url}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.evaluate("window.never_reloaded = true")
    job = launched("paced")
    row = page.locator(f"#job-{job.pk}")
    expect(row.locator(".status")).to_have_text("pending")
    with program("worker"):
        expect(row.locator(".status")).to_have_text("running")
        expect(row.locator(".status")).to_have_text("succeeded")
    expect(page.locator("nav .count[data-status=succeeded]")).to_have_text("1 succeeded")
    assert page.evaluate("never_reloaded")


@pytest.mark.full
def test_a_status_arrives_before_the_list_is_refetched(page, web):
    job = launched("paced")
    page.goto(f"{web.url}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.route(page.url, lambda route: route.abort())
    with program("worker"):
        expect(page.locator(f"#job-{job.pk} .status")).to_have_text("succeeded")
    expect(page.locator("nav .count[data-status=succeeded]")).to_have_text("0 succeeded")
    page.unroute(page.url)
    expect(page.locator("nav .count[data-status=succeeded]")).to_have_text("1 succeeded")
    page.noise[:] = [text for text in page.noise if "ERR_FAILED" not in text]  # the aborted ones


def test_a_filtered_list_shows_what_enters_and_leaves_it(page, web):
    page.goto(f"{web.url}/?status=running")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    job = launched("paced")
    row = page.locator(f"#job-{job.pk}")
    with program("worker"):
        expect(row.locator(".status")).to_have_text("running")
        expect(row).to_have_count(0)
    expect(page.locator(".empty")).to_contain_text("No jobs match")


def test_the_list_says_when_no_worker_runs(page, web):
    launch("noop")
    page.goto(web.url)
    notice = page.get_by_text("Jobs are waiting, but no worker can run them.")
    expect(notice).to_be_visible()
    with program("worker"):
        expect(page.locator("[data-job]")).to_have_attribute("data-status", "succeeded")
        expect(notice).to_be_hidden()
