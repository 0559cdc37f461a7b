"""A step's log in the page: numbered, following while it runs, bounded, and all of it in reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.support import launched, lines_shown, look_at, wait_until_finished
from tests.support import wait_for

LINES = 10_000


def goes_to(page, line: int) -> None:
    page.get_by_label("Go to line").fill(str(line))
    page.keyboard.press("Enter")


@pytest.fixture
def long(page, site):
    """A page with the log of a step that has ended."""
    job = launched("chatters", "--lines", str(LINES))
    wait_until_finished(job)
    look_at(page, site, job)
    page.locator("details.log summary").click()
    expect(page.locator(f"[data-line='{LINES}']")).to_be_in_viewport()
    return job


def test_a_long_log_is_followed_from_its_first_line_to_its_last(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("chatters", "--lines", "3609", "--gate", str(gate))
    look_at(page, site, job)
    lines = page.locator("[data-line]")
    expect(lines).to_have_text(["line 1 of the log"])
    expect(page.locator(".step .status")).to_have_text("running")

    gate.touch()

    expect(page.locator(".step .status")).to_have_text("succeeded")
    expect(page.locator("[data-line='3609']")).to_be_in_viewport()
    expect(page.locator("summary .lines")).to_have_text("3609")
    assert lines_shown(page, "chatter") == list(range(1610, 3610))
    assert page.request.get(f"{page.url}steps/chatter/log").text() == "".join(
        f"line {number} of the log\n" for number in range(1, 3610)
    )
    assert job.steps.get().log_lines == 3609


@pytest.mark.full
@pytest.mark.sqlite
def test_a_log_scrolls_up_to_its_first_line_and_back_down(page, long):
    box = page.locator(".log-lines")
    seen = set()
    for key, goal in (("Home", 1), ("End", LINES)):
        for _ in range(LINES // 100):
            shown = lines_shown(page, "chatter")
            assert shown == list(range(shown[0], shown[-1] + 1))
            assert len(shown) <= 2000
            seen.update(shown)
            if goal in shown:
                break
            box.focus()
            page.keyboard.press(key)
            edge = shown[0] if goal == 1 else shown[-1]
            wait_for(
                lambda edge=edge, goal=goal: (
                    lines_shown(page, "chatter")[0 if goal == 1 else -1] != edge
                ),
                5,
            )
    assert seen == set(range(1, LINES + 1))
    page.keyboard.press("End")
    expect(page.locator(f"[data-line='{LINES}']")).to_be_in_viewport()


@pytest.mark.full
@pytest.mark.sqlite
@pytest.mark.parametrize("line", [1, 5_000, LINES, 10 * LINES])
def test_a_reader_goes_to_a_line(page, long, line):
    goes_to(page, line)
    expect(page.locator(f"[data-line='{min(line, LINES)}']")).to_be_in_viewport()
    page.get_by_role("button", name="Newest").click() if line < LINES - 200 else None
    expect(page.locator(f"[data-line='{LINES}']")).to_be_in_viewport()


def test_a_progress_bar_moves_and_ends_as_one_line_in_colour(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("redraws", "--gate", str(gate))
    look_at(page, site, job)
    lines = page.locator("[data-line] > span")
    bar = page.locator(".log-open")
    expect(bar).to_have_text(" 50% |#####     |")
    expect(lines).to_have_text(["starting <b>"])
    expect(bar.locator(".fg-2")).to_have_text(" 50%")

    gate.touch()

    expect(lines).to_have_text(["starting <b>", "100% |##########|", "ended"])
    expect(bar).to_have_text("")
    expect(page.locator("[data-line] .fg-2")).to_have_text("100%")
    expect(page.locator("[data-line] .bold")).to_have_css("font-weight", "700")
    expect(page.locator("[data-line] .fg-2")).to_have_css("color", "rgb(23, 107, 52)")


def test_new_lines_do_not_move_a_reader(page, site, tmp_path):
    gate = tmp_path / "gate"
    job = launched("drips", "--gate", str(gate))
    look_at(page, site, job)
    expect(page.locator("[data-line='2500']")).to_be_in_viewport()
    goes_to(page, 700)
    expect(page.locator("[data-line='700']")).to_be_in_viewport()
    before = lines_shown(page, "drip")
    gate.touch()
    expect(page.locator("summary .lines")).to_have_text("5000")
    expect(page.locator("[data-line='700']")).to_be_in_viewport()
    assert lines_shown(page, "drip") == before
    page.get_by_role("button", name="Newest").click()
    expect(page.locator("[data-line='5000']")).to_be_in_viewport()


@pytest.mark.sqlite
def test_a_reconnect_keeps_a_reader_at_the_same_old_line(page, context, long):
    goes_to(page, 5_000)
    expect(page.locator("[data-line='5000']")).to_be_in_viewport()
    context.set_offline(True)
    expect(page.locator("body")).to_have_attribute("data-live", "offline")
    goes_to(page, 9_000)
    context.set_offline(False)
    expect(page.locator("[data-line='9000']")).to_be_in_viewport()
    page.noise[:] = [text for text in page.noise if "ERR_INTERNET_DISCONNECTED" not in text]
