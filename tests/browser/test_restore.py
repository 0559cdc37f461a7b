"""An older copy of the database is restored under open pages: within 3 s they show its rows."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from jobs.orchestrator import cancel, claim, finish, launch
from jobs.upkeep import Sweep
from tests.browser.support import look_at, shown_by_command, shown_by_page
from tests.faults.database import DatabaseFaults
from tests.support import drive, returned

pytestmark = pytest.mark.slow

PROMISE = 3.0  # seconds
LOOK = 1.0  # … that a look at a page may take in any case


@pytest.fixture
def trouble(database, tmp_path):
    made = DatabaseFaults(tmp_path)
    yield made
    made.forget()


@pytest.fixture
def tabs(context):
    opened = [context.new_page() for _ in range(5)]
    yield opened
    for tab in opened:
        tab.close()


@pytest.mark.parametrize(
    "way", ["restore", pytest.param("replace", marks=[pytest.mark.sqlite, pytest.mark.full])]
)
def test_open_pages_show_the_rows_of_the_copy(web, claimant, trouble, tabs, way):
    moved, elsewhere, same = launch("diamond"), launch("noop"), launch("noop")
    [held] = claim(claimant, room=1)
    trouble.copy()
    finish(claimant, held, returned(1), room=2)
    cancel(elsewhere.pk)
    late = launch("noop")
    for tab, job in zip(tabs, (moved, elsewhere, same, late), strict=False):
        look_at(tab, web, job)
    tabs[4].goto(f"{web.url}/")
    expect(tabs[4].locator("body")).to_have_attribute("data-live", "live")
    expect(tabs[0].locator("[data-step=top]")).to_have_attribute("data-status", "succeeded")

    getattr(trouble, way)()
    promised = time.monotonic() + PROMISE

    def left() -> float:
        """Milliseconds: all pages have the same time, each in its own rhythm."""
        return 1000 * max(promised - time.monotonic(), LOOK)

    expect(tabs[4].locator(f"#job-{late.pk}")).to_have_count(0, timeout=left())
    top = tabs[0].locator("[data-step=top]")
    expect(top).to_have_attribute("data-status", "running", timeout=left())
    cancelled = tabs[1].locator("[data-job]")
    expect(cancelled).to_have_attribute("data-status", "pending", timeout=left())
    expect(tabs[3].locator("#said")).to_contain_text("no longer exists", timeout=left())
    for tab, job in zip(tabs, (moved, elsewhere, same), strict=False):
        expect(tab.locator("body")).to_have_attribute("data-live", "live")
        assert shown_by_page(tab) == shown_by_command(job)

    # What happens next has the numbers of what never happened, and is seen.
    Sweep(claimant).run(held=())  # its worker has ended the step that the copy says is running
    drive(claimant, moved)
    expect(tabs[0].locator("[data-job]")).to_have_attribute("data-status", "succeeded")
    assert shown_by_page(tabs[0]) == shown_by_command(moved)


@pytest.mark.full  # a page waits for its turn for 5 s
def test_a_page_says_what_stood_in_the_way_of_an_action(web, trouble, tabs):
    job = launch("noop")
    [tab, *_] = tabs
    look_at(tab, web, job)
    tab.on("dialog", lambda dialog: dialog.accept())
    with trouble.busy():
        tab.get_by_role("button", name="Cancel").click()
        expect(tab.locator("#said")).to_contain_text("is locked by")
        expect(tab.locator("#said")).to_contain_text("Nothing was done.")
        expect(tab.locator("[data-job]")).to_have_attribute("data-status", "pending")
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.locator("[data-job]")).to_have_attribute("data-status", "cancelled")
