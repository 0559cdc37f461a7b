"""How long steps usually take, and which takes longer, on a page that nobody reloads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from jobs.orchestrator import cancel, claim, finish, launch
from tests.browser.support import launched, look_at, step
from tests.support import finished, returned
from tests.support.driving import took


def test_a_step_that_takes_longer_than_usual(page, site):
    for _ in range(5):
        finished(launch("takes", {"seconds": 0.01}))
    job = launched("takes", "--seconds", "60")
    look_at(page, site, job)

    about = step(page, "prepare").locator(".expected")
    expect(about.locator(".usual")).to_have_text("usually under 1 s")
    expect(about.locator(".longer")).to_have_text("longer than usual")
    expect(about.locator(".longer")).to_be_visible()
    expect(step(page, "load").locator(".expected")).to_be_hidden()
    cancel(job.pk)
    expect(step(page, "prepare")).to_have_attribute("data-status", "cancelled")
    expect(about).to_be_hidden()


@pytest.mark.both
def test_the_page_says_when_the_job_may_end(page, web, claimant):
    for _ in range(5):
        took(claimant, 90, "diamond")
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    look_at(page, web, job)

    left = page.locator(".job-head .left")
    expect(left).to_have_text("about 5 min left")
    expect(left).to_have_attribute("title", re.compile("as earlier runs took, read at .*:"))
    expect(step(page, "top").locator(".usual")).to_have_text("usually 90 s")
    [bottom] = drive_to(claimant, top, "bottom")
    expect(left).to_have_text("about 90 s left")
    finish(claimant, bottom, returned(), room=0)
    expect(page.locator("[data-job]")).to_have_attribute("data-status", "succeeded")
    expect(left).to_be_hidden()


def test_a_step_that_runs_for_longer_than_its_author_wants(page, site):
    job = launched("plods")
    look_at(page, site, job)
    expect(step(page, "plod").locator(".longer")).to_have_text("runs for longer than 1 s")
    expect(page.locator(".history")).to_contain_text("runs for longer than 1 s")
    cancel(job.pk)
    expect(step(page, "plod")).to_have_attribute("data-status", "cancelled")


def test_a_job_ends_at_its_deadline(page, site):
    job = launched("expires")
    look_at(page, site, job)
    expect(page.locator(".job-head")).to_contain_text("deadline")
    expect(step(page, "work")).to_have_attribute("data-status", "failed")
    expect(step(page, "work").locator(".error")).to_have_text("Ended at its job's deadline of 3 s.")
    expect(step(page, "after")).to_have_attribute("data-status", "cancelled")
    expect(page.locator(".history")).to_contain_text("cancel at the deadline of 3 s requested")
    expect(page.locator(".history")).to_contain_text("left of its deadline of 3 s")


def drive_to(claimant, held, name):
    """Let steps succeed until this one runs."""
    claims = [held]
    while claims[0].name != name:
        claims += finish(claimant, claims.pop(0), returned(), room=1)
    return claims
