"""Answers and frames that are not what the page asked for never make it show what is not true."""

from __future__ import annotations

import time
import urllib.request
from functools import partial

import psutil
import pytest
from playwright.sync_api import expect

from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from jobs.text import clean
from tests.browser.support import (
    launched,
    lines_shown,
    look_at,
    open_log,
    shown_by_command,
    shown_by_page,
    tamper,
)
from tests.support import at_length, ended, program, wait_for

FOREIGN = (
    "<!doctype html><title>Portal</title><body><main id=main><h1>Pay for your wifi</h1></main>"
)

on_one_database = pytest.mark.sqlite  # the page does not know which it is


@on_one_database
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


LOSES_THE_END = """
(text, deliver) => {
  const frame = JSON.parse(text);
  const isEnd = frame.type === 'changes' && frame.html.includes('data-status="succeeded"');
  if ((isEnd || frame.last === 600) && !lost.includes(frame.type)) lost.push(frame.type);
  else deliver(text);
}
"""


@pytest.mark.full
@on_one_database
def test_lost_last_frames_are_requested_again(page, web, tmp_path):
    tamper(page, LOSES_THE_END)
    gate = tmp_path / "gate"
    job = launched("chatters", "--lines", "600", "--gate", str(gate))
    look_at(page, web, job)
    with program("worker"):
        expect(page.locator("[data-line]")).to_have_text(["line 1 of the log"])
        gate.touch()
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(page.locator("[data-line]")).to_have_count(600)
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert sorted(page.evaluate("lost")) == ["changes", "log"]
    assert lines_shown(page, "chatter") == list(range(1, 601))
    assert shown_by_page(page) == shown_by_command(job)


# When the page first showed the end of the job and was live, in seconds since 1970.
NOTE_THE_TRUTH = """
new MutationObserver(() => {
  const row = document.querySelector('[data-job]');
  if (row?.dataset.status === 'failed' && document.body.dataset.live === 'live')
    window.truthAt ??= (performance.timeOrigin + performance.now()) / 1000;
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


@pytest.fixture
def pages(context, web, claimant):
    """Job page, list and admin of one job whose first step runs."""
    job = launch("noop")
    [held] = claim(claimant, room=1)
    opened = []
    for path in (f"/jobs/{job.pk}/", "/", f"/admin/truestep/job/{job.pk}/change/"):
        tab = context.new_page()
        tab.add_init_script(NOTE_THE_TRUTH)
        tab.goto(web.url + path)
        expect(tab.locator("body")).to_have_attribute("data-live", "live")
        opened.append(tab)
    yield held, opened
    for tab in opened:
        tab.close()


def assert_right_within_a_second(tabs, since: float) -> None:
    for tab in tabs:
        shown_at = wait_for(partial(tab.evaluate, "window.truthAt"))
        assert shown_at - since < 1


def test_pages_are_right_after_a_killed_web_process_restarts(pages, web, claimant):
    held, tabs = pages
    serve = psutil.Process(web.process.pid)
    [daphne] = serve.children()
    daphne.kill()
    for tab in tabs:
        expect(tab.locator("body")).to_have_attribute("data-live", "offline", timeout=5_000)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    urllib.request.urlopen(f"{web.url}/healthz", timeout=20).close()
    assert_right_within_a_second(tabs, time.time())


@on_one_database
@pytest.mark.parametrize("seconds", at_length(6, 60))
def test_a_page_that_slept_is_right_when_it_wakes(pages, context, claimant, seconds):
    held, tabs = pages
    sleepers = [context.new_cdp_session(tab) for tab in tabs]
    context.set_offline(True)
    for sleeper in sleepers:
        sleeper.send("Page.setWebLifecycleState", {"state": "frozen"})
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    slept_at = time.monotonic()
    wait_for(lambda: time.monotonic() - slept_at > seconds, seconds + 5)
    context.set_offline(False)
    for sleeper in sleepers:
        sleeper.send("Page.setWebLifecycleState", {"state": "active"})
    assert_right_within_a_second(tabs, time.time())


ATTACKS = ["window.pwned=1", "alert(1)", "document.title='pwned'"]
CARRIERS = [
    "<script>{}</script>",
    "</li></ol><script>{}</script>",
    "<img src=x onerror={}>",
    '"><svg onload={}>',
    "'><body onload={}>",
    "<iframe srcdoc='<script>parent.{}</script>'></iframe>",
    "<a href=javascript:{}>x</a>",
    "</textarea><script>{}</script>",
    "</title><script>{}</script>",
    "<math><mtext><style><img src=x onerror={}></style></mtext></math>",
    "{{% {} %}}{{{{ {} }}}}",
    "<template><script>{}</script></template>",
    "<details open ontoggle={}>",
    "<input autofocus onfocus={}>",
]
WRAPPINGS = [
    "{}", "\u202e{}", "&lt;{}", "<!--{}-->", "<!--><{}", "{}\0", "\ufeff{}", "\u2028{}", "]]>{}",
    "<![CDATA[{}]]>", "%3C{}", "\\u003c{}",
]  # fmt: skip


def test_500_hostile_texts_are_text(page, web):
    texts = [
        wrapping.replace("{}", carrier.replace("{}", attack))
        for attack in ATTACKS
        for carrier in CARRIERS
        for wrapping in WRAPPINGS
    ][:500]
    assert len(texts) == 500
    dialogs = []
    page.on("dialog", lambda dialog: dialogs.append(dialog) or dialog.dismiss())
    job = launch("echoes", {"texts": texts, "raw": "\n".join(texts).encode().hex()})
    look_at(page, web, job)
    with program("worker"):
        expect(page.locator(".job-head")).to_have_attribute("data-status", "failed")
    said = [clean(line) for text in texts for line in text.split("\n")]
    open_log(page, "speak")
    log, lines = (
        page.locator(f"[data-step=speak] {each}") for each in (".log-lines", "[data-line]")
    )
    expect(lines.last).to_have_attribute("data-line", str(2 * len(said)))

    def all_are_there():  # a log that was not followed from its begin shows its newest lines first
        log.evaluate("list => { list.scrollTop = 0 }")
        return lines.count() == 2 * len(said)

    wait_for(all_are_there)
    assert lines.all_text_contents() == said * 2
    page.locator("details.traceback summary").click()
    for path in (f"/jobs/{job.pk}/", "/", f"/admin/truestep/job/{job.pk}/change/"):
        page.goto(web.url + path)
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        assert page.evaluate("window.pwned") is None
        strange = (
            "main :is(script:not([src]), iframe, math, [onload], [onerror], [ontoggle], [onfocus])"
        )
        assert page.locator(strange).count() == 0
        assert "pwned" not in page.title()
    assert dialogs == []
