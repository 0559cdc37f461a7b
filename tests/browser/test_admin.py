"""The admin keeps its status cells true without a reload, and leaves the reader's choices alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.support import launched, statuses_seen
from tests.support import program


def is_live(page) -> None:
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.evaluate("window.never_reloaded = true")


def test_the_list_updates_its_cells_and_keeps_what_is_ticked(page, web):
    first, second = launched("paced"), launched("fails")
    page.goto(f"{web.url}/admin/truestep/job/")
    is_live(page)
    page.locator(f"tr:has(#job-{first.pk}) .action-select").check()
    with program("worker"):
        expect(page.locator(f"#job-{first.pk}")).to_have_text("running")
        expect(page.locator(f"#job-{first.pk}")).to_have_text("succeeded")
        expect(page.locator(f"#job-{second.pk}")).to_have_text("failed")
    expect(page.locator(f"tr:has(#job-{first.pk}) .action-select")).to_be_checked()
    expect(page.locator(f"tr:has(#job-{second.pk}) .action-select")).not_to_be_checked()
    assert page.evaluate("never_reloaded")


@pytest.mark.full
def test_the_list_stays_live_when_rows_enter_and_leave_the_filter(page, web):
    job = launched("paced")
    page.goto(f"{web.url}/admin/truestep/job/?status__exact=pending")
    is_live(page)
    launched("noop")
    with program("worker"):
        expect(page.locator(f"#job-{job.pk}")).to_have_text("succeeded")
    job.refresh_from_db()
    expect(page.locator(f"#job-{job.pk}-seq")).to_have_text(str(job.seq))
    for when in ("started_at", "ended_at"):
        expect(page.locator(f"#job-{job.pk}-{when}")).not_to_have_text("-")
    is_live(page)


def test_a_jobs_page_updates_steps_and_journal(page, web):
    job = launched("paced")
    page.goto(f"{web.url}/admin/truestep/job/{job.pk}/change/")
    is_live(page)
    with program("worker"):
        expect(page.locator(f"#job-{job.pk}")).to_have_text("running")
        expect(page.locator("[data-step=a]")).to_have_text("succeeded")
        expect(page.locator(f"#job-{job.pk}")).to_have_text("succeeded")
    expect(page.locator("#journal-group")).to_contain_text("every step succeeded")
    job.refresh_from_db()
    expect(page.locator(f"#job-{job.pk}-seq")).to_have_text(str(job.seq))
    expect(page.locator(f"#job-{job.pk}-ended_at")).not_to_have_text("-")
    assert page.evaluate("never_reloaded")


@pytest.mark.full
def test_statuses_arrive_before_the_refetch_and_survive_its_answer(page, web):
    job = launched("paced")
    page.goto(f"{web.url}/admin/truestep/job/{job.pk}/change/")
    is_live(page)
    held = []

    def hold_the_first(route) -> None:
        if held:
            route.abort()
        else:
            held.append((route, route.fetch()))

    page.route(page.url, hold_the_first)
    with program("worker"):
        for name in "abcd":
            expect(page.locator(f"[data-step={name}]")).to_have_text("succeeded")
        expect(page.locator(f"#job-{job.pk}")).to_have_text("succeeded")
    [(first, answer)] = held
    first.fulfill(response=answer)
    page.unroute(page.url)
    expect(page.locator("#journal-group")).to_contain_text("every step succeeded")
    for name in "abcd":
        assert statuses_seen(page, name) == ["pending", "running", "succeeded"]
    page.noise[:] = [text for text in page.noise if "ERR_FAILED" not in text]  # the aborted ones


@pytest.mark.both
def test_a_cancel_from_the_list_is_shown(page, site):
    job = launched("hangs")
    page.goto(f"{site.url}/admin/truestep/job/")
    is_live(page)
    expect(page.locator(f"#job-{job.pk}")).to_have_text("running")
    page.locator(".action-select").check()
    page.locator("select[name=action]").select_option("cancel")
    page.locator("button[name=index]").click()
    expect(page.locator(".messagelist")).to_contain_text(f"Cancel requested: job {job.pk}.")
    expect(page.locator(f"#job-{job.pk}")).to_have_text("cancelled")
