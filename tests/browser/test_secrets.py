"""A secret in the browser: typed once, shown nowhere, asked for again."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_a_secret_is_typed_and_never_shown(page, site, tmp_path):
    gate = tmp_path / "gate"
    page.goto(f"{site.url}/launch/secretive/")
    token = page.locator("[name=token]")
    expect(token).to_have_attribute("type", "password")
    expect(page.locator("form.launch")).to_contain_text("fewer than 6 characters")
    token.fill("plain-xyzzy")
    page.locator("[name=gate]").fill(str(gate))
    page.locator("form.launch button").click()
    expect(page.locator("header.job-head")).to_contain_text("***")
    gate.touch()
    deleted = page.get_by_text("its secret parameters were deleted when it ended")
    expect(deleted).to_be_visible()  # on the page that was open all the time
    page.get_by_role("button", name="Retry unsuccessful steps").click()
    expect(page.get_by_text("Nothing was retried")).to_be_visible()
    assert "xyzzy" not in page.content()
    page.get_by_role("link", name="Launch again").click()
    expect(page.locator("[name=token]")).to_have_value("")
