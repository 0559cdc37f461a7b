"""Lines of a log that people look for, link to, read and take along."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support import launched, lines_shown, look_at, serious, wait_until_finished
from tests.support import wait_for

pytestmark = pytest.mark.sqlite  # the page does not know which database it is

LINES = 604  # of the step: Install 1 to 302, a warning, 300 rows, a warning
ERROR = 453


@pytest.fixture
def job(page, site):
    """A job that has ended, with its page open."""
    job = launched("stumbles")
    wait_until_finished(job)
    look_at(page, site, job)
    return job


def line(page, number: int):
    return page.locator(f"[data-step=stumble] [data-line='{number}']")


def current(page) -> list[int]:
    return page.locator(".log-lines [aria-current]").evaluate_all(
        "lines => lines.map(line => Number(line.dataset.line))"
    )


def marked(page) -> list[str]:
    return page.evaluate("[...CSS.highlights.get('found')].map(String)")


def fragment(page) -> str:
    return page.evaluate("location.hash")


def test_a_link_leads_to_its_lines_and_a_click_makes_one(page, site, job):
    page.goto(f"{page.url}#stumble:L120-L122")
    expect(line(page, 120)).to_be_in_viewport()
    assert current(page) == [120, 121, 122]
    line(page, 125).click(position={"x": 12, "y": 5})
    assert (fragment(page), current(page)) == ("#stumble:L125", [125])
    line(page, 123).click(position={"x": 12, "y": 5}, modifiers=["Shift"])
    assert (fragment(page), current(page)) == ("#stumble:L123-L125", [123, 124, 125])
    page.get_by_label("Go to line").fill("600")
    page.keyboard.press("Enter")
    expect(line(page, 600)).to_be_in_viewport()
    assert fragment(page) == "#stumble:L600"
    page.reload()
    expect(line(page, 600)).to_be_in_viewport()
    assert current(page) == [600]


def test_a_link_leads_to_a_line_that_is_still_to_come(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("drips", "--gate", str(gate))
    look_at(page, site, job)
    expect(page.locator("[data-line='2500']")).to_be_in_viewport()
    page.goto(f"{page.url}#drip:L2510")
    expect(page.locator("[data-line='2500']")).to_be_in_viewport()
    page.locator(".log-lines").dispatch_event("scroll")  # at the end, as it is now
    gate.touch()
    expect(page.locator("[data-line='2510']")).to_be_in_viewport()
    wait_for(lambda: current(page) == [2510])


def test_lines_are_found_counted_and_walked_through(page, job):
    find = page.get_by_label("Find in logs")
    find.fill("CACHE")
    find.press("Enter")
    said = page.locator(".find output")
    expect(said).to_have_text("1 of 2 lines")
    expect(line(page, 303)).to_be_in_viewport()
    page.get_by_role("button", name="Next").click()
    expect(said).to_have_text("2 of 2 lines")
    expect(line(page, LINES)).to_be_in_viewport()
    wait_for(lambda: marked(page) == ["cache"])
    assert page.url.endswith(f"/?q=CACHE#stumble:L{LINES}")
    page.get_by_role("button", name="Next").click()
    expect(said).to_have_text("1 of 2 lines")
    page.get_by_role("button", name="Previous").click()
    expect(said).to_have_text("2 of 2 lines")
    page.reload()
    expect(page.get_by_label("Find in logs")).to_have_value("CACHE")
    expect(said).to_have_text("2 lines")
    expect(line(page, LINES)).to_be_in_viewport()
    page.get_by_role("link", name="List them").click()
    expect(page.locator(".log-lines li span").first).to_have_text("the Cache is cold")
    assert serious(page) == []
    page.get_by_role("link", name="303").click()
    expect(line(page, 303)).to_be_in_viewport()


def test_nothing_found_is_said_and_forgotten(page, job):
    page.get_by_label("Find in logs").fill("nowhere")
    page.keyboard.press("Enter")
    expect(page.locator(".find output")).to_have_text("no line")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("Find in logs")).to_have_value("")
    assert "?" not in page.url


def test_warnings_are_counted_while_they_come_and_lead_to_their_lines(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("stumbles", "--gate", str(gate))
    look_at(page, site, job)
    flagged = page.locator(".flagged")
    expect(flagged).to_have_text("1 error, 2 warnings")
    gate.touch()
    expect(page.locator(".step .status")).to_have_text("succeeded")
    expect(flagged).to_have_text("1 error, 2 warnings")
    flagged.click()
    expect(page.locator(".find output")).to_have_text("1 of 3 lines")
    expect(line(page, 303)).to_be_in_viewport()


@pytest.mark.parametrize("live", [True, False])
def test_a_failed_step_opens_at_its_error(page, site, tmp_path, live):
    gate = tmp_path / "gate"
    job = launched("stumbles", "--fails", "--gate", str(gate))
    if live:
        look_at(page, site, job)
        expect(line(page, LINES)).to_be_in_viewport()
    gate.touch()
    wait_until_finished(job)
    if not live:
        look_at(page, site, job)
    expect(line(page, ERROR)).to_be_in_viewport()
    assert current(page) == [ERROR]


def test_a_group_folds_and_unfolds(page, job):
    page.goto(f"{page.url}#stumble:L1")
    button = page.get_by_role("button", name="Install")
    expect(line(page, 2)).to_be_visible()
    assert 302 not in lines_shown(page, "stumble")  # its end
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(line(page, 2)).to_be_hidden()
    expect(line(page, 303)).to_be_in_viewport()  # it has come because there was room
    button.click()
    expect(line(page, 2)).to_be_visible()


def test_only_lines_of_a_level_are_shown_and_more_as_they_come(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("stumbles", "--gate", str(gate), "--fails")
    look_at(page, site, job)
    expect(line(page, LINES)).to_be_in_viewport()
    page.get_by_label("Show").select_option("warnings and errors")
    wait_for(lambda: lines_shown(page, "stumble") == [303, ERROR, LINES])
    page.get_by_label("Show").select_option("errors")
    wait_for(lambda: lines_shown(page, "stumble") == [ERROR])
    page.get_by_label("Show").select_option("all lines")
    expect(line(page, LINES)).to_be_in_viewport()
    page.get_by_label("Show").select_option("errors")
    gate.touch()
    expect(line(page, ERROR)).to_be_in_viewport()
    expect(page.get_by_label("Show")).to_have_value("")  # a failed step opens amid all its lines
    expect(line(page, ERROR - 1)).to_be_visible()


def test_lines_have_times_and_wrap_as_the_reader_wants(page, job):
    page.goto(f"{page.url}#stumble:L100")
    expect(line(page, 100)).to_be_in_viewport()
    page.get_by_label("Times").select_option("time of day")
    expect(line(page, 100)).to_have_attribute("data-time", re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    page.get_by_label("Times").select_option("since the start")
    expect(line(page, 100)).to_have_attribute("data-time", re.compile(r"^0:\d\d\.\d{3}$"))
    page.get_by_label("Wrap lines").uncheck()
    expect(line(page, 100)).to_have_css("white-space", "pre")
    page.reload()
    expect(line(page, 100)).to_have_css("white-space", "pre")
    expect(line(page, 100)).to_have_attribute("data-time", re.compile(r"^0:\d\d\.\d{3}$"))
    assert serious(page) == []


def test_lines_are_copied_without_numbers_and_times(page, job):
    page.goto(f"{page.url}#stumble:L303")
    page.get_by_label("Times").select_option("time of day")
    expect(line(page, 303)).to_have_attribute("data-time", re.compile(":"))
    copied = page.evaluate(
        """() => {
          const range = document.createRange();
          range.setStartBefore(document.querySelector('[data-line="301"]'));
          range.setEndAfter(document.querySelector('[data-line="304"]'));
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          return getSelection().toString();
        }"""
    )
    assert copied.rstrip("\n").split("\n") == [
        "installing package 300",
        "the Cache is cold",
        "row 1",
    ]


def test_what_is_shown_is_printed(page, job):
    page.goto(f"{page.url}#stumble:L303")
    expect(line(page, 303)).to_be_in_viewport()
    page.emulate_media(media="print")
    lines = page.locator(".log-lines")
    assert lines.evaluate("list => list.scrollHeight === list.clientHeight")
    expect(page.locator(".log-tools")).to_be_hidden()
    expect(page.locator(".log-bar")).to_be_hidden()


def test_two_who_come_at_different_times_see_the_same_log(context, page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("redraws", "--gate", str(gate))
    look_at(page, site, job)
    expect(page.locator(".log-open")).to_have_text(" 50% |#####     |")
    gate.touch()
    expect(page.locator("[data-line='3']")).to_have_text("ended")
    other = context.new_page()
    look_at(other, site, job)
    other.locator("details.log summary").click()
    expect(other.locator("[data-line='3']")).to_have_text("ended")
    texts = [each.locator(".log-lines").inner_html() for each in (page, other)]
    assert texts[0] == texts[1]
