"""Accessibility: axe finds nothing serious, keys do everything, changes are announced."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.orchestrator import cancel, launch, pause_queue
from tests.browser.support import look_at, serious, wait_until_finished
from tests.support import program

pytestmark = pytest.mark.sqlite  # the page does not know which database it is


@pytest.fixture
def busy(web, tmp_path):
    """One job that has failed, one often, one that runs, and one that was cancelled."""
    failed, cancelled = launch("fails"), launch("repository_report", {"path": str(tmp_path)})
    retried = launch("flaky", {"failures": "9"})
    cancel(cancelled.pk)
    with program("worker"):
        running = launch("chatters", {"lines": "5", "gate": str(tmp_path / "gate")})
        wait_until_finished(failed, 60)
        wait_until_finished(retried, 60)
        yield {"failed": failed, "running": running, "cancelled": cancelled, "retried": retried}


def fits(page) -> bool:
    """Whether the page fits without scrolling sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 360),
        ("dark", 1440),
        pytest.param("dark", 360, marks=pytest.mark.full),
        pytest.param("light", 1440, marks=pytest.mark.full),
    ],
)
def test_axe_finds_nothing_serious(busy, web, page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    pause_queue("gpu", actor="anna", why="driver update")
    found = f"/jobs/{busy['running'].pk}/log/?level=info"
    for path in (
        *("/", "/?status=failed", "/workers/", "/launch/", "/launch/chatters/"),
        *("/jobs/99/", found),
    ):
        page.goto(web.url + path)
        assert serious(page) == [], path
        assert fits(page), path
    page.noise[:] = [text for text in page.noise if "404" not in text]
    for fate, job in busy.items():
        look_at(page, web, job)
        if fate == "failed":
            page.locator("details.traceback summary").first.click()
        if fate == "running":
            expect(page.locator("[data-line]").first).to_be_visible()
            page.evaluate(
                """() => Object.assign(document.querySelector('.warning'),
                  {hidden: false, textContent: 'No heartbeat from its worker host:1'})"""
            )
        if fate == "retried":
            expect(page.locator("[data-attempt-ref]")).to_have_count(4)
            page.locator("details.traceback summary").first.click()
        assert serious(page) == [], fate
        assert fits(page), fate
    page.goto(f"{web.url}/launch/flaky/?again={busy['retried'].pk}")
    assert serious(page) == []
    assert fits(page)
    page.context.clear_cookies()
    page.goto(f"{web.url}/accounts/login/")
    assert serious(page) == []
    assert fits(page)


def test_a_job_is_cancelled_by_keys_alone(busy, web, page):
    look_at(page, web, busy["running"])
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Cancel this job":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".job-head")).to_have_attribute("data-status", "cancelled")


def test_what_matters_is_said_once_and_shown_in_the_tab(busy, web, page, tmp_path):
    look_at(page, web, busy["running"])
    summary = page.locator("#summary")
    expect(summary).to_contain_text("running")
    running = page.locator("link[rel=icon]").get_attribute("href")
    icon = page.locator("link[rel=icon]")
    page.emulate_media(color_scheme="dark")
    expect(icon).not_to_have_attribute("href", running)
    page.emulate_media(color_scheme="light")
    expect(icon).to_have_attribute("href", running)
    (tmp_path / "gate").touch()
    expect(summary).to_contain_text("succeeded")
    expect(page).to_have_title(f"succeeded · chatters #{busy['running'].pk} · Truestep")
    assert icon.get_attribute("href") != running
    said = page.evaluate(
        """async () => {
          let times = 0;
          new MutationObserver(() => (times += 1)).observe(summary, {childList: true});
          const ticks = Number(new Date(verified.dateTime));
          while (Number(new Date(verified.dateTime)) < ticks + 4000)
            await new Promise(requestAnimationFrame);
          return times;
        }"""
    )
    assert said == 0  # it ticks, and nothing has changed


def test_nothing_moves_that_the_server_did_not_move(busy, web, page):
    look_at(page, web, busy["running"])
    assert page.evaluate("document.getAnimations().length") == 0
