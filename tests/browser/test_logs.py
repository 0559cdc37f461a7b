"""A step's log in the page: numbered, complete, following while it runs."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.support import launched, lines_shown, look_at


def test_a_long_log_is_followed_from_its_first_line_to_its_last(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("chatters", "--lines", "3609", "--gate", str(gate))
    look_at(page, site, job)
    lines = page.locator("[data-line]")
    expect(lines).to_have_text(["line 1 of the log"])
    expect(page.locator(".step .status")).to_have_text("running")

    gate.touch()

    expect(page.locator(".step .status")).to_have_text("succeeded")
    expect(lines).to_have_count(3609)
    expect(page.locator("summary .lines")).to_have_text("3609")
    assert lines_shown(page, "chatter") == list(range(1, 3610))
    assert page.request.get(f"{page.url}steps/chatter/log").text() == "".join(
        f"line {number} of the log\n" for number in range(1, 3610)
    )
    assert job.steps.get().log_lines == 3609
