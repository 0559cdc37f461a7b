"""What a page does when its login ends elsewhere."""

import time

from playwright.sync_api import expect

from jobs.orchestrator import launch
from tests.browser.support import look_at


def test_a_logout_in_another_tab_ends_the_page(context, page, web):
    job = launch("noop")
    look_at(page, web, job)
    other = context.new_page()
    other.goto(web.url)
    began = time.monotonic()
    other.get_by_role("button", name="Log out").click()
    expect(page.locator("body")).to_contain_text("You are logged out", timeout=1000)
    print(f"closed {(time.monotonic() - began) * 1000:.0f} ms after the click")
    expect(page.locator("body")).to_have_attribute("data-live", "offline")
