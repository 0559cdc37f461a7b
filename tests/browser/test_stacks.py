"""Where a running step is, on a page that nobody reloads."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from jobs.orchestrator import cancel, retry
from tests.browser.support import launched, look_at, step
from tests.support import running
from tests.testapp import stack_jobs

WAYS = ["sleeps", pytest.param("holds_the_gil", marks=pytest.mark.full)]


def line_of(way):
    with open(stack_jobs.__file__) as file:
        lines = file.read().splitlines()
    [number] = [n for n, line in enumerate(lines, 1) if line.endswith(f"# here it hangs: {way}")]
    return number


@pytest.mark.parametrize("way", WAYS)
def test_the_page_shows_the_line_at_which_a_step_hangs(page, site, way):
    job = launched("hangs_somewhere", "--way", way)
    look_at(page, site, job)
    running(job, "hang")
    shown = step(page, "hang").locator(".stack")
    ask = step(page, "hang").get_by_role("button", name="Where is it?")

    ask.click()

    expect(shown.locator(".stack-top")).to_contain_text(f"line {line_of(way)}, in {way}")
    expect(shown.locator("code")).to_contain_text(f"# here it hangs: {way}")
    shown.locator("summary").click()
    expect(shown.locator("pre")).to_contain_text("HangsSomewhere.hang")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    cancel(job.pk)
    expect(step(page, "hang")).to_have_attribute("data-status", "cancelled")
    expect(ask).to_be_hidden()
    expect(shown).to_be_hidden()
    retry(job.pk)
    expect(ask).to_be_visible()
    expect(shown).to_be_empty()  # it was where the attempt before was
    cancel(job.pk)
    expect(step(page, "hang")).to_have_attribute("data-status", "cancelled")


def test_who_may_not_see_stacks_has_no_button(page, site, admin_user):
    admin_user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    User.objects.filter(pk=admin_user.pk).update(is_superuser=False)
    job = launched("hangs_somewhere", "--way", "sleeps")
    look_at(page, site, job)
    expect(step(page, "hang")).to_have_attribute("data-status", "running")
    expect(step(page, "hang").get_by_role("button", name="Where is it?")).to_be_hidden()
    cancel(job.pk)
    expect(step(page, "hang")).to_have_attribute("data-status", "cancelled")
