"""Answers and frames that are not what the page asked for never make it show what is not true."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.support import launched, lines_shown, look_at, shown_by_command, shown_by_page
from tests.support import program

FOREIGN = (
    "<!doctype html><title>Portal</title><body><main id=main><h1>Pay for your wifi</h1></main>"
)


def test_a_foreign_page_is_not_taken_over(page, web):
    page.goto(f"{web.url}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.route(f"{web.url}/", lambda route: route.fulfill(body=FOREIGN, content_type="text/html"))
    with page.expect_response(f"{web.url}/"):
        job = launched("paced")
    expect(page.locator("body")).to_have_attribute("data-live", "catching-up")
    expect(page.locator("h1", has_text="Pay")).to_have_count(0)
    page.unroute(f"{web.url}/")
    expect(page.locator(f"#job-{job.pk} .status")).to_have_text("pending")
    expect(page.locator("body")).to_have_attribute("data-live", "live")


def test_the_last_frames_are_asked_for_again_when_they_are_lost(page, web):
    lost = []

    def tamper(socket) -> None:
        server = socket.connect_to_server()

        def hear(text) -> None:
            frame = json.loads(text)
            is_end = frame["type"] == "changes" and 'data-status="succeeded"' in frame["html"]
            if (is_end or frame.get("last") == 600) and frame["type"] not in lost:
                lost.append(frame["type"])
            else:
                socket.send(text)

        server.on_message(hear)

    page.route_web_socket("**/ws/**", tamper)
    job = launched("chatters", "--lines", "600")
    look_at(page, web, job)
    with program("worker"):
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(page.locator("[data-line]")).to_have_count(600)
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert sorted(lost) == ["changes", "log"]
    assert lines_shown(page, "chatter") == list(range(1, 601))
    assert shown_by_page(page) == shown_by_command(job)
