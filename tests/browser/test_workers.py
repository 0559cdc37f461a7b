"""The page of queues and workers, and what they mean for a job, live on untouched pages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from jobs.models import Order, Worker
from jobs.orchestrator import launch, order_worker, pause_queue
from jobs.statuses import Wanted
from tests.browser.support import look_at, step
from tests.support import running, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


def look_at_workers(page, web):
    page.goto(f"{web.url}/workers/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")


def test_a_pause_is_seen_on_the_job_and_on_the_page_of_workers(page, web, worker):
    other = page.context.new_page()
    look_at_workers(other, web)
    pause_queue("gpu", actor="anna", why="driver update")
    job = launch("mixed")
    look_at(page, web, job)
    reason = step(page, "train").locator(".reason")
    expect(reason).to_contain_text("the queue gpu is paused since")
    expect(reason).to_contain_text("by anna: driver update")
    gpu = other.locator("#queue-gpu")
    expect(gpu.locator(".status")).to_have_attribute("data-state", "paused")
    expect(gpu).to_contain_text("by anna: driver update")
    gpu.get_by_label("Reason, for gpu").fill("new driver")
    gpu.get_by_role("button", name="Resume").click()
    expect(step(page, "report")).to_have_attribute("data-status", "succeeded")
    expect(gpu.locator(".status")).to_have_attribute("data-state", "open")
    assert Order.objects.latest("number").data == {"queue": "gpu", "why": "new driver"}


def test_a_queue_without_worker_and_one_that_is_full_say_so(page, web, serving_worker, gate):
    job = launch("waits_for_gpu", {"gate": str(gate)})
    with serving_worker("default"):
        look_at(page, web, job)
        reasons = page.locator(".reason")
        words = "no running worker serves the queue gpu: start one with  "
        expect(reasons).to_have_text([f"{words}python manage.py worker --queues gpu"] * 2)
        with serving_worker("gpu:1,default"):
            full = "waits for a free slot: the queue gpu has 1, all taken"
            expect(reasons).to_have_text([full])
            gate.touch()
            expect(page.locator(".job-head")).to_have_attribute("data-status", "succeeded")


def test_a_worker_is_drained_resumed_and_stopped_on_the_page(page, web, worker, gate):
    held = launch("waits", {"gate": str(gate)})
    running(held, "waiting")
    look_at_workers(page, web)
    row = page.locator(f"#worker-{Worker.objects.get().pk}")
    expect(row).to_contain_text(f"waiting of job {held.pk}")
    row.get_by_role("button", name="Drain").click()
    state = row.locator(".status")
    expect(state).to_have_attribute("data-state", "draining")
    other = launch("noop")
    job_page = page.context.new_page()
    look_at(job_page, web, other)
    reason = step(job_page, "one").locator(".reason")
    expect(reason).to_contain_text("every worker is drained: resume one, or start another")
    gate.touch()
    expect(state).to_have_attribute("data-state", "drained")
    row.get_by_role("button", name="Resume").click()
    expect(job_page.locator(".job-head")).to_have_attribute("data-status", "succeeded")
    row.get_by_role("button", name="Stop").click()
    expect(row).to_have_count(0)
    expect(page.locator("main")).to_contain_text("No worker is running.")
    assert worker.wait() == 0


def test_the_page_of_workers_follows_without_being_touched(page, web, worker):
    look_at_workers(page, web)
    row = page.locator(f"#worker-{Worker.objects.get().pk}")
    expect(row.locator(".status")).to_have_attribute("data-state", "working")
    expect(row.locator("th")).to_have_text(re.compile(r"\S+:\d+"))
    order_worker(Worker.objects.get().pk, Wanted.STOP)
    wait_for(lambda: Worker.objects.get().stopped_at)
    expect(row).to_have_count(0)
