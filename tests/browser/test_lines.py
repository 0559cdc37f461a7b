"""A job that waits for its key, on a page that nobody reloads."""

from __future__ import annotations

from playwright.sync_api import expect

from jobs.orchestrator import cancel, launch
from tests.browser.support import look_at, step
from tests.support import running


def test_the_page_says_who_holds_the_key_until_the_job_has_it(page, site, tmp_path):
    gate = tmp_path / "gate"
    holder, between, waiting = (launch("one_at_a_time", {"gate": str(gate)}) for _ in range(3))
    running(holder, "wait")
    look_at(page, site, waiting)
    reason = step(page, "wait").locator(".reason")
    expect(reason).to_contain_text(
        f"waits for the key the {{gate}}, held by job {holder.pk} since "
    )
    expect(reason).to_contain_text("; 1 job is before it")
    expect(reason.get_by_role("link")).to_have_attribute("href", f"/jobs/{holder.pk}/")
    expect(step(page, "leave").locator(".reason")).to_have_text("waits for wait")

    cancel(holder.pk)
    expect(reason.get_by_role("link")).to_have_text(f"job {between.pk}")
    expect(reason).not_to_contain_text("before it")

    gate.touch()
    expect(page.locator("[data-job]")).to_have_attribute("data-status", "succeeded")
    expect(page.locator(".entry", has_text="got the key the {gate}")).to_be_visible()
    expect(reason).to_have_count(0)
