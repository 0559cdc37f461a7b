"""An untouched page shows everything that happens, as it happens."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.live import viewers
from tests.browser.support import (
    launched,
    lines_shown,
    look_at,
    shown_at,
    shown_by_command,
    shown_by_page,
    statuses_seen,
    step,
    tamper,
    wait_until_finished,
)
from tests.support import program, wait_for

PLAYED_SOCKET = """
window.WebSocket = class {
  static OPEN = 1;
  readyState = 0;
  acknowledged = [];
  constructor() {
    window.played = this;
    setTimeout(() => { this.readyState = 1; this.onopen(); });
  }
  close() {}
  send(text) {
    const frame = JSON.parse(text);
    if (frame.type === 'ack') this.acknowledged.push(frame.n);
  }
  hear(frame) { this.onmessage({data: JSON.stringify(frame)}); }
};
"""
on_one_database = pytest.mark.sqlite  # the page does not know which it is


def open_before_it_starts(page, web, *launch: str):
    """A pending job on the page, launched by a second process, before there is a worker."""
    job = launched(*launch)
    look_at(page, web, job)
    expect(page.locator(".reason", has_text="no worker is running").first).to_be_visible()
    return job


@pytest.mark.both
def test_every_step_of_half_a_second_is_seen_running(page, web):
    job = open_before_it_starts(page, web, "paced")
    with program("worker"):
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    for name in "abcd":
        assert statuses_seen(page, name) == ["pending", "running", "succeeded"]
    assert statuses_seen(page, "job") == ["pending", "running", "succeeded"]
    assert shown_by_page(page) == shown_by_command(job)


@on_one_database
def test_a_page_that_uvicorn_serves_is_live(page, serving):
    with serving("--no-worker", "--server", "uvicorn") as web:
        job = open_before_it_starts(page, web, "paced")
        with program("worker"):
            expect(page.locator("[data-job] .status")).to_have_text("succeeded")
        assert statuses_seen(page, "a") == ["pending", "running", "succeeded"]
        assert shown_by_page(page) == shown_by_command(job)


def test_failure_and_skip_are_seen_with_their_reasons(page, web):
    job = open_before_it_starts(page, web, "fails")
    with program("worker"):
        expect(page.locator("[data-job] .status")).to_have_text("failed")
    assert step(page, "bad").locator("pre.error").inner_text() == "ValueError: <b>no</b> such luck"
    assert statuses_seen(page, "after_bad") == ["pending", "skipped"]
    assert statuses_seen(page, "sibling")[-1] == "succeeded"
    expect(page.locator(".entry", has_text="needs bad, which was not successful")).to_be_visible()
    assert shown_by_page(page) == shown_by_command(job)


@on_one_database
def test_a_page_acknowledges_at_each_tick_and_long_before_it_is_sent_no_more(page, web):
    assert viewers.MOST_UNACKNOWLEDGED > 2 * 40
    assert viewers.MOST_UNACKNOWLEDGED_BYTES > 2 * 200_000
    page.add_init_script(PLAYED_SOCKET)
    page.goto(f"{web.url}/jobs/{launched('noop').pk}/")
    expect(page.locator("body")).to_have_attribute("data-live", "catching-up")
    acknowledged = page.evaluate("""() => {
      let n = 0;
      const pulse = {type: 'pulse', steps: {}, workers: null};
      const hear = (frame) => played.hear({...frame, n: ++n});
      for (let number = 0; number < 90; number += 1) hear(pulse);
      hear({type: 'tick', seq: 1, tag: '', version: document.body.dataset.version});
      for (let number = 0; number < 2; number += 1) hear({...pulse, filler: 'x'.repeat(150_000)});
      return played.acknowledged;
    }""")
    assert acknowledged == [40, 80, 91, 93]


@pytest.mark.full
@on_one_database
def test_a_time_out_is_seen(page, web):
    open_before_it_starts(page, web, "times_out")
    with program("worker"):
        expect(step(page, "slow").locator(".status")).to_have_text("failed")
    assert statuses_seen(page, "slow") == ["pending", "running", "failed"]
    expect(step(page, "slow").locator("pre.error")).to_have_text("Timed out after 0.5 s.")
    assert statuses_seen(page, "after_slow") == ["pending", "skipped"]


def test_progress_is_seen_while_the_step_runs(page, site):
    job = launched("counts")
    look_at(page, site, job)
    bar = step(page, "count").locator("progress")
    expect(bar).to_have_attribute("value", "3")
    expect(step(page, "count")).to_have_attribute("data-status", "running")
    expect(step(page, "count").locator(".progress-text")).to_have_text("3 / 8 counting")
    page.click("text=Cancel this job")
    expect(step(page, "count").locator(".status")).to_have_text("cancelled")


def test_cancel_pressed_on_the_page_stops_the_job_without_a_reload(page, site):
    job = launched("hangs")
    look_at(page, site, job)
    expect(step(page, "hang").locator(".status")).to_have_text("running")
    page.evaluate("window.never_reloaded = true")
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.locator("[data-job] .status")).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Cancel this job")).to_be_hidden()
    assert statuses_seen(page, "hang")[-2:] == ["running", "cancelled"]
    assert page.evaluate("window.never_reloaded")
    assert shown_by_page(page) == shown_by_command(job)


def test_a_pending_step_says_what_it_waits_for(page, web):
    look_at(page, web, launched("diamond"))
    expect(step(page, "left").locator(".reason")).to_have_text("waits for top")
    expect(step(page, "bottom").locator(".reason")).to_have_text("waits for left, right")
    expect(step(page, "top").locator(".reason")).to_contain_text("python manage.py worker")


@pytest.mark.full
@on_one_database
def test_running_time_counts_on(page, site, tmp_path):
    look_at(page, site, launched("waits", "--gate", str(tmp_path / "gate")))
    clock = step(page, "waiting").locator(".elapsed")
    expect(clock).to_have_text("2 s")


def test_without_pokes_the_page_is_right_within_2500_ms(page, database, serving, tmp_path):
    gate = tmp_path / "gate"
    with serving(env={"DJANGO_SETTINGS_MODULE": "tests.faults.missed_commits_settings"}) as deaf:
        job = launched("waits", "--gate", str(gate))
        look_at(page, deaf, job)
        expect(step(page, "waiting").locator(".status")).to_have_text("running")
        gate.touch()
        wait_until_finished(job)
        job.refresh_from_db()
        assert shown_at(page, "job", "succeeded") - job.ended_at.timestamp() <= 2.5
        assert page.evaluate("sockets") == 1  # by its tick, not by a new connection
        assert shown_by_page(page) == shown_by_command(job)


def test_a_socket_cut_during_moves_says_offline_and_catches_up(page, site, proxied, tmp_path):
    gate, proxy = tmp_path / "gate", proxied(site)
    job = launched("waits", "--gate", str(gate))
    look_at(page, proxy, job)
    expect(step(page, "waiting").locator("[data-line]")).to_have_text(["waiting"])

    proxy.cut()
    expect(page.locator("body")).to_have_attribute("data-live", "offline", timeout=5000)
    expect(page.locator(".live-word")).to_have_text("Not live")
    gate.touch()
    wait_until_finished(job)  # waiting done, after started and done, the job done
    assert shown_by_page(page)["status"] == "running"
    proxy.heal()

    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert shown_by_page(page) == shown_by_command(job)
    assert page.evaluate("statusAt - openedAt") <= 500  # milliseconds
    expect(step(page, "waiting").locator("[data-line]")).to_have_count(101)
    assert lines_shown(page, "waiting") == list(range(1, 102))
    assert_only_refused_connections(page)


@pytest.mark.full
@on_one_database
def test_a_page_without_its_server_asks_for_it_and_opens_no_socket(page, web, proxied):
    """After many sockets that could not be opened a browser delays the next one by seconds."""
    proxy = proxied(web)
    look_at(page, proxy, launched("noop"))
    opened, asked = [], []
    page.on("websocket", lambda socket: opened.append(socket.url))
    page.on("requestfailed", lambda request: asked.append(request.url))
    proxy.cut()
    wait_for(lambda: page.evaluate("true") and len(asked) >= 8)
    assert opened == []
    proxy.heal()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert len(opened) == 1
    assert_only_refused_connections(page)


LOSES_TWO_AND_DOUBLES_THE_OTHERS = """
(text, deliver) => {
  if (JSON.parse(text).type === 'changes' && lost.length < 2) return lost.push(text);
  deliver(text);
  deliver(text);
}
"""


@on_one_database
def test_lost_and_doubled_frames_leave_no_trace(page, site, tmp_path):
    tamper(page, LOSES_TWO_AND_DOUBLES_THE_OTHERS)
    gate = tmp_path / "gate"
    job = launched("waits", "--gate", str(gate))
    look_at(page, site, job)
    expect(step(page, "waiting").locator(".status")).to_have_text("running")
    gate.touch()
    wait_until_finished(job)
    expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(step(page, "waiting").locator("[data-line]")).to_have_count(101)
    assert page.evaluate("lost.length") == 2
    assert shown_by_page(page) == shown_by_command(job)
    assert lines_shown(page, "waiting") == list(range(1, 102))


@on_one_database
def test_a_refetch_keeps_the_readers_scroll_focus_and_input(page, site, tmp_path):
    tamper(page, "(text, deliver) => deliver(text)")
    gate = tmp_path / "gate"
    job = launched("waits", "--gate", str(gate))
    look_at(page, site, job)
    log = step(page, "waiting").locator("details.log")
    log.locator("summary").click()
    page.evaluate("window.never_reloaded = true")
    with page.expect_response(page.url):
        page.evaluate("""socket.deliver('{"type": "stale", "n": 0}')""")
    gate.touch()
    expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(log).not_to_have_attribute("open", "")
    assert page.evaluate("never_reloaded")
    assert shown_by_page(page) == shown_by_command(job)


@on_one_database
def test_markup_from_a_step_is_shown_and_never_run(page, site):
    job = launched("misbehaves", "--behaviour", "print markup")
    wait_until_finished(job)
    look_at(page, site, job)
    log = step(page, "misbehave").locator("details.log")
    log.locator("summary").click()
    expect(log.locator("[data-line]")).to_have_text(["<script>alert(1)</script>"])
    assert log.locator("script").count() == 0


@on_one_database
def test_a_half_open_socket_is_noticed_within_five_seconds(page, context, site, tmp_path):
    look_at(page, site, launched("waits", "--gate", str(tmp_path / "gate")))
    context.set_offline(True)  # the open socket gets no frame and no close event
    expect(page.locator("body")).to_have_attribute("data-live", "offline", timeout=5000)
    context.set_offline(False)
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert_only_refused_connections(page)


@pytest.mark.full
@on_one_database
def test_setting_the_clock_back_does_not_keep_a_dead_page_live(page, context, site, tmp_path):
    look_at(page, site, launched("waits", "--gate", str(tmp_path / "gate")))
    page.evaluate("const now = Date.now; Date.now = () => now() - 3_600_000")
    context.set_offline(True)
    expect(page.locator("body")).to_have_attribute("data-live", "offline", timeout=5000)
    context.set_offline(False)
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    assert_only_refused_connections(page)


@on_one_database
def test_a_cancel_after_the_login_has_ended_says_so(page, context, site, tmp_path):
    job = launched("waits", "--gate", str(tmp_path / "gate"))
    look_at(page, site, job)
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.locator("#said")).to_contain_text("You are logged out")
    job.refresh_from_db()
    assert not job.cancel_requested


@pytest.mark.full
@on_one_database
def test_an_error_during_a_refetch_does_not_replace_the_page(page, web):
    page.goto(f"{web.url}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.evaluate("window.never_reloaded = true")
    answers = []

    def fail_twice(route) -> None:
        answers.append(route)
        if len(answers) <= 2:
            route.fulfill(status=503, body="bad gateway")
        else:
            route.continue_()

    page.route(f"{web.url}/", fail_twice)
    job = launched("noop")
    expect(page.locator(f"#job-{job.pk} .status")).to_have_text("pending")
    assert len(answers) >= 3
    assert page.evaluate("never_reloaded")
    page.noise.clear()  # Chromium reports the two answers 503


@pytest.mark.both
def test_a_commit_between_render_and_subscribe_is_shown(page, web, proxied):
    proxy = proxied(web)
    proxy.hold_sockets()
    job = launched("noop")
    page.goto(f"{proxy.url}/jobs/{job.pk}/")
    expect(page.locator("[data-job] .status")).to_have_text("pending")
    with program("worker"):
        wait_until_finished(job)
    assert shown_by_page(page)["status"] == "pending"
    proxy.pass_sockets()
    expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert shown_by_page(page) == shown_by_command(job)
    assert_only_refused_connections(page)  # one that was held for too long, the page has given up


@on_one_database
def test_the_log_opens_automatically_unless_the_reader_closed_it(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("waits", "--gate", str(gate))
    look_at(page, site, job)
    log = step(page, "waiting").locator("details.log")
    expect(log).to_have_attribute("open", "")
    log.locator("summary").click()
    expect(log).not_to_have_attribute("open", "")
    gate.touch()
    expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(log).not_to_have_attribute("open", "")


@pytest.mark.full
@on_one_database
@pytest.mark.parametrize("path", ["/", "/launch/", "/launch/chatters/", "/accounts/login/"])
def test_other_pages_are_quiet_too(page, web, path):
    page.goto(web.url + path)
    expect(page.locator("main h1")).to_be_visible()


def assert_only_refused_connections(page) -> None:
    """Chromium itself reports what could not be connected; nothing else may be said."""
    output = ("WebSocket connection to", "Failed to load resource: net::ERR_")
    assert all(text.startswith(output) for text in page.noise), page.noise
    page.noise.clear()
