"""Views of a job of ten thousand steps: soon there, and what they count is true."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.browser.support import open_view
from tests.support import ended, returned

pytestmark = [pytest.mark.sqlite, pytest.mark.full, pytest.mark.timeout(300)]

USABLE = 2.0  # seconds
SHOWN = {"list": ".step", "graph": ".node", "waterfall": ".bars"}
# By status: what the head counts, and what all nodes count together.
COUNTS = """
() => {
  const add = (selector) => {
    const counts = {};
    for (const { dataset, textContent } of document.querySelectorAll(selector)) {
      counts[dataset.status] = (counts[dataset.status] ?? 0) + parseInt(textContent);
    }
    return counts;
  };
  const nodes = add('.node .count');
  for (const { dataset } of document.querySelectorAll('.node:not(:has(.count))')) {
    nodes[dataset.status] = (nodes[dataset.status] ?? 0) + 1;
  }
  return [add('.job-head .count'), nodes];
}
"""


@pytest.mark.parametrize("name", ["ten_thousand_alike", "ten_thousand_others"])
def test_each_view_is_soon_usable(page, web, claimant, name):
    job = launch(name)
    claim(claimant, room=2)
    for view, element in SHOWN.items():
        took = []
        for _ in range(3):
            start = time.perf_counter()
            open_view(page, web, job, view)
            expect(page.locator(element).first).to_be_visible()
            took.append(time.perf_counter() - start)
        assert min(took) < USABLE, f"{view}: {took}"


def test_the_nodes_of_many_steps_count_all_of_them_while_they_run(page, web, claimant):
    job = launch("ten_thousand_alike")
    open_view(page, web, job, "graph")
    expect(page.locator(".node")).to_have_count(4)
    [held] = claim(claimant, room=1)
    claims = finish(claimant, held, returned(), room=3)
    for number in range(20):
        outcome = ended(Verdict.FAILED) if number == 7 else returned()
        claims += finish(claimant, claims.pop(0), outcome, room=1)
    job.refresh_from_db()
    expect(page.locator("[data-job]")).to_have_attribute("data-seq", str(job.seq))
    of_job, of_nodes = page.evaluate(COUNTS)
    assert of_job == of_nodes
    assert sum(of_nodes.values()) == 10_000
    failed = page.locator(".node[data-status=failed]")
    expect(failed.locator("[data-status=failed]")).to_have_text("1 failed")
    failed.click()
    expect(page.locator(".step:target")).to_have_attribute("data-status", "failed")
