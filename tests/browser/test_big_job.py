"""A job of 1,000 steps: the page holds a part of it, and the rest is a click away."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.codes import Code, Fact
from jobs.orchestrator import launch
from jobs.runner import Outcome
from jobs.statuses import Verdict
from tests.browser.support import look_at
from tests.support import drive, program, returned

pytestmark = pytest.mark.timeout(300)  # a thousand steps take their time

on_one_database = pytest.mark.sqlite  # the page does not know which it is


def elements(page) -> int:
    return page.evaluate("document.querySelectorAll('*').length")


def outcome_of(claim):
    if claim.name != "s734":
        return returned()
    output = "RuntimeError: this one had to fail"
    return Outcome(
        verdict=Verdict.FAILED, fact=Fact(Code.STEP_RAISED, {"error": "RuntimeError"}), error=output
    )


def test_a_big_job_is_shown_in_parts(page, web, claimant):
    job = launch("thousand_wide")
    look_at(page, web, job)
    expect(page.locator("[data-step]")).to_have_count(100)
    drive(claimant, job, outcome_of)
    parts = page.locator(".parts a")
    expect(parts).to_have_count(10)
    expect(parts.nth(0)).to_have_text("1–100 100")
    expect(page.locator("[data-status=succeeded][data-step]")).to_have_count(100)
    expect(page.locator(".job-head .error")).to_have_text(
        "s734: RuntimeError: this one had to fail"
    )
    expect(parts.nth(7)).to_have_text("701–800 99 1")
    assert elements(page) < 5000

    parts.nth(7).click()
    expect(page.locator("[data-step=s734]")).to_have_attribute("data-status", "failed")
    expect(page.locator("[data-step]")).to_have_count(100)
    expect(page.locator("[data-step=s700]")).to_be_visible()


@pytest.mark.full
@on_one_database
def test_another_part_is_live_too(page, web):
    job = launch("thousand_wide")
    look_at(page, web, job)
    page.goto(f"{page.url}?from=300")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    with program("worker", "--slots", "4"):
        expect(page.locator("[data-status=succeeded][data-step]")).to_have_count(
            100, timeout=60_000
        )
    assert page.locator("[data-step]").count() == 100


@pytest.mark.full
@on_one_database
def test_the_history_is_bounded_and_goes_back_to_the_birth(page, web, claimant):
    job = launch("thousand_deep")
    look_at(page, web, job)
    drive(claimant, job)
    job.refresh_from_db()
    expect(page.locator(f"#entry-{job.pk}-{job.seq}")).to_be_attached()
    assert page.locator(".entry").count() <= 400
    seen: list[int] = []
    for _ in range(20):
        shown = page.locator(".entry").evaluate_all("rows => rows.map(row => +row.dataset.seq)")
        seen = shown + seen
        if seen[0] == 1:
            break
        page.get_by_role("link", name="Earlier entries").click()
        expect(page.locator("#history-title")).to_have_text("Earlier history")
        expect(page.locator(f"[id$='-{shown[0] - 1}'].entry")).to_be_attached()
    assert seen == list(range(1, job.seq + 1))
    page.get_by_role("link", name="Newest entries").click()
    expect(page.locator(f"#entry-{job.pk}-{job.seq}")).to_be_attached()
