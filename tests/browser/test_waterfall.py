"""The waterfall of a job on a page that nobody reloads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from jobs.orchestrator import claim, finish, launch
from jobs.sight.waterfall import Axis
from jobs.statuses import Verdict
from tests.browser.support import open_view
from tests.support import drive, ended, job_of, returned, wait_for

pytestmark = pytest.mark.sqlite  # the page does not know which database it is

DRAWN = """
() => [...document.querySelectorAll('.axis text')].map(
  text => [parseFloat(text.getAttribute('x')), text.textContent])
"""
# The script then draws the axis of a job that was launched so many milliseconds ago.
LAUNCHED = "ago => { document.querySelector('.axis').dataset.from = Date.now() - ago }"


def row(page, name):
    return page.locator(f".bars[data-step-ref={name}]")


def kinds(page, name):
    return (
        row(page, name)
        .locator("rect")
        .evaluate_all("bars => bars.map(bar => bar.dataset.status ?? bar.dataset.kind)")
    )


def expect_kinds(page, name, *wanted):
    wait_for(lambda: kinds(page, name) == list(wanted), 10, f"{name}: {wanted}")


def is_drawn(page, axis):
    """Whether the axis on the page is this one; a moment has milliseconds there."""
    places, texts = zip(*page.evaluate(DRAWN), strict=True)
    wanted_places, wanted_texts = zip(*axis.marks, strict=True)
    return texts == wanted_texts and places == pytest.approx(wanted_places, abs=0.2)


def now_line(page):
    return float(page.locator(".axis .now").get_attribute("x1").rstrip("%"))


def test_bars_follow_the_steps(page, web, claimant):
    job = launch("diamond")
    open_view(page, web, job, "waterfall")
    expect(page.locator(".bars")).to_have_count(4)
    expect_kinds(page, "top", "queued")
    expect_kinds(page, "bottom", "waiting")
    [top] = claim(claimant, room=1)
    expect_kinds(page, "top", "queued", "running")
    expect(row(page, "top")).to_have_attribute("data-status", "running")
    expect(page.locator("[data-step=top]")).to_have_attribute("data-status", "running")
    [left] = finish(claimant, top, returned(), room=1)
    expect_kinds(page, "top", "queued", "succeeded")
    expect_kinds(page, "right", "waiting", "queued")
    finish(claimant, left, ended(Verdict.FAILED), room=0)
    expect_kinds(page, "left", "waiting", "failed")
    expect(row(page, "left").locator("svg text")).to_have_text("✕")
    expect(row(page, "left").get_by_role("img", name="attempt 1: failed after")).to_be_visible()


def test_time_goes_on_until_the_job_ends(page, web, claimant):
    job = launch("noop")
    [one] = claim(claimant, room=1)
    open_view(page, web, job, "waterfall")
    width = row(page, "one").locator("rect[data-status=running]")

    def reach():
        return float(width.get_attribute("x")[:-1]) + float(width.get_attribute("width")[:-1])

    before = now_line(page)
    wait_for(lambda: now_line(page) > before, 10, "the line moves")
    expect(page.locator(".axis text").last).not_to_have_text("1.2 s")  # the axis got longer
    assert reach() > 40
    finish(claimant, one, returned(), room=0)
    drive(claimant, job)
    expect(page.locator(".axis .now")).to_have_count(0)
    expect(row(page, "five").locator("rect[data-status=succeeded]")).to_have_count(1)
    job = job_of(job.pk)
    assert is_drawn(page, Axis(job.created_at, job.ended_at, job.ended_at))


def test_page_and_server_draw_the_same_axis(page, web, claimant):
    job = launch("noop")
    open_view(page, web, job, "waterfall")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for seconds in (6.1, 31, 52, 100, 3500, 7300, 86000, 86400 * 39.5):
        axis = Axis(start, None, start + timedelta(seconds=seconds))
        page.evaluate(LAUNCHED, seconds * 1000)
        wait_for(lambda axis=axis: is_drawn(page, axis), 5, f"{axis.marks}")


def test_without_javascript_it_is_as_of_its_load(chromium, context, web, claimant):
    job = launch("diamond")
    claim(claimant, room=1)
    plain = chromium.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    tab = plain.new_page()
    tab.goto(f"{web.url}/jobs/{job.pk}/?view=waterfall")
    assert tab.locator(".bars rect").count() == 5
    assert 0 < float(tab.locator(".axis .now").get_attribute("x1").rstrip("%")) < 100
    tab.locator(".bars[data-step-ref=left] a").click()
    expect(tab.locator(".step[data-step=left]")).to_be_in_viewport()
    plain.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_axe_finds_nothing_serious_in_a_waterfall(page, web, claimant, scheme, width):
    job = launch("fails")
    drive(claimant, job, lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned())
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    open_view(page, web, job, "waterfall")
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
