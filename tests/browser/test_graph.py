"""The graph of a job on a page that nobody reloads."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.browser.support import open_view
from tests.support import drive, ended, returned
from tests.support.driving import write_log

pytestmark = pytest.mark.sqlite  # the page does not know which database it is

# Every status of a node and of its row in the list, at each frame that the page draws.
BOTH = """
(name) => {
  window.apart = [];
  const node = document.querySelector(`.node[data-step-ref=${name}]`);
  const row = document.querySelector(`.step[data-step=${name}]`);
  const look = () => {
    const [ours, its] = [node.dataset.status, row.dataset.status];
    if (ours !== its) apart.push([ours, its]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""


def node(page, name):
    return page.locator(f".node[data-step-ref={name}]")


def expect_statuses(page, **wanted):
    for name, status in wanted.items():
        expect(node(page, name)).to_have_attribute("data-status", status)
        expect(node(page, name).locator(".status")).to_have_text(status)


def test_the_nodes_of_a_diamond_follow_its_steps(page, web, claimant):
    job = launch("diamond")
    open_view(page, web, job)
    expect_statuses(page, top="pending", left="pending", right="pending", bottom="pending")
    page.evaluate(BOTH, "top")
    [top] = claim(claimant, room=1)
    expect_statuses(page, top="running")
    left, right = finish(claimant, top, returned(), room=2)
    expect_statuses(page, top="succeeded", left="running", right="running")
    finish(claimant, left, ended(Verdict.FAILED), room=0)
    expect_statuses(page, left="failed", right="running", bottom="skipped")
    finish(claimant, right, returned(), room=0)
    expect_statuses(page, right="succeeded")
    assert page.evaluate("apart") == []  # a frame changes both


def test_two_people_see_the_same_graph(page, web, claimant, context):
    job = launch("diamond")
    other = context.new_page()
    for tab in (page, other):
        open_view(tab, web, job)
    drive(claimant, job)
    drawn = []
    for tab in (page, other):
        expect_statuses(tab, top="succeeded", bottom="succeeded")
        drawn.append(tab.locator(".graph svg").evaluate("svg => svg.outerHTML"))
    assert drawn[0] == drawn[1]


def test_without_javascript_it_is_there_and_leads_to_the_list(chromium, context, web, claimant):
    job = drive(claimant, launch("diamond"))
    plain = chromium.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    tab = plain.new_page()
    tab.goto(f"{web.url}/jobs/{job.pk}/")
    tab.get_by_role("link", name="Graph").click()
    expect_statuses(tab, top="succeeded", bottom="succeeded")
    node(tab, "left").click()
    expect(tab.locator(".step[data-step=left]")).to_be_in_viewport()
    plain.close()


def test_a_node_leads_by_keys_to_its_step_whose_log_opens(page, web, claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    write_log(top, ["what top says"])
    finish(claimant, top, returned(), room=0)
    open_view(page, web, job)
    node(page, "top").focus()
    page.keyboard.press("Enter")
    row = page.locator(".step[data-step=top]")
    expect(row).to_be_in_viewport()
    expect(row.locator("[data-line]")).to_have_text("what top says")
    assert page.url.endswith(f"?view=graph#step-{top.step_id}")


def test_a_big_graph_is_panned_and_zoomed(page, web, claimant):
    job = launch("five_hundred_wide")
    open_view(page, web, job)
    pane = page.locator(".pane")
    height = "pane => pane.scrollHeight"
    whole = pane.evaluate(height)
    assert whole > 20_000
    pane.focus()
    page.keyboard.press("End")
    expect(node(page, "s498")).to_be_in_viewport()
    page.get_by_role("button", name="Fit").click()
    assert pane.evaluate(height) < whole / 5
    pane.focus()
    page.keyboard.press("+")
    pane.evaluate("pane => pane.scrollTo(0, 0)")
    box = pane.bounding_box()
    x, y = box["x"] + box["width"] - 20, box["y"] + box["height"] - 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 200)
    page.mouse.up()
    assert pane.evaluate("pane => pane.scrollTop") == 200


def test_the_history_stays_closed_for_the_reader_who_closed_it(page, web, claimant):
    job, other = launch("diamond"), launch("noop")
    open_view(page, web, job)
    toggle = page.get_by_role("button", name="History")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.click()
    expect(page.locator(".history")).to_be_hidden()
    open_view(page, web, other, view="list")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".history")).to_be_hidden()
    toggle.click()
    expect(page.locator(".history")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_graph(page, web, claimant, scheme):
    job = launch("fails")
    drive(claimant, job, lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned())
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 800})
    open_view(page, web, job)
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
