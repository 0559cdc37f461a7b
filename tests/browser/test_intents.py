"""What a person does with a form by mistake: click twice, go back and send it again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from jobs.models import Job
from jobs.orchestrator import cancel, launch, retry
from jobs.statuses import Verdict
from tests.browser.support import look_at
from tests.support import drive, ended, job_of, returned, wait_for

pytestmark = pytest.mark.slow
with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False], ids=["js", "no-js"])


@pytest.fixture
def tab(chromium, admin_user, client, scripts):
    """A tab in which the superuser is logged in, with JavaScript or without."""
    client.force_login(admin_user)
    context = chromium.new_context(java_script_enabled=scripts)
    session = client.cookies["sessionid"].value
    context.add_cookies(
        [{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/"}]
    )
    yield context.new_page()
    context.close()


def fail(held):
    return ended(Verdict.FAILED) if held.name == "bad" else returned()


JOB_PAGE = re.compile(r"/jobs/\d+/$")
# Milliseconds between pressing and releasing: with none, Chromium drops the first of two clicks.
PERSON = 15


def requests_of(job):
    return job.journal.filter(kind__in=("request", "note")).count()


@with_and_without_scripts
def test_a_double_click_on_launch_makes_one_job_and_leads_to_it(tab, web):
    for number in range(1, 3):
        tab.goto(f"{web.url}/launch/noop/")
        tab.get_by_role("button", name="Launch").dblclick(delay=PERSON)
        expect(tab).to_have_url(JOB_PAGE)
        tab.wait_for_load_state("networkidle")
        tab.goto(f"{web.url}/")
        assert Job.objects.count() == number
    assert tab.locator("tr[data-job]").count() == 2


@with_and_without_scripts
def test_resubmitting_after_back_leads_to_the_first_job(tab, web):
    tab.goto(f"{web.url}/launch/waits/")
    tab.get_by_label("Gate").fill("/gate")
    places = []
    for _ in range(3):
        tab.get_by_role("button", name="Launch").click()
        expect(tab).to_have_url(JOB_PAGE)
        places.append(tab.url)
        tab.go_back()
    assert len(set(places)) == 1
    assert Job.objects.get().params == {"gate": ["/gate"]}
    tab.goto(f"{web.url}/launch/waits/")  # opened again
    tab.get_by_label("Gate").fill("/gate")
    tab.get_by_role("button", name="Launch").click()
    expect(tab).to_have_url(JOB_PAGE)
    assert Job.objects.count() == 2


@with_and_without_scripts
def test_a_double_click_on_cancel_or_retry_is_one_request(tab, web, claimant):
    for _ in range(2):
        failed, waiting = drive(claimant, launch("fails"), fail), launch("noop")
        for job, button in ((waiting, "Cancel this job"), (failed, "Retry unsuccessful steps")):
            tab.goto(f"{web.url}/jobs/{job.pk}/")
            tab.get_by_role("button", name=button).dblclick(delay=PERSON)
            wait_for(lambda job=job: requests_of(job))
            tab.wait_for_load_state("networkidle")
            tab.goto(f"{web.url}/")
            assert requests_of(job) == 1


@with_and_without_scripts
@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_double_click_in_the_admin_is_one_request(tab, web, claimant, action):
    for _ in range(2):
        job = launch("noop") if action == "cancel" else drive(claimant, launch("fails"), fail)
        tab.goto(f"{web.url}/admin/truestep/job/")
        tab.locator(f"input[name=_selected_action][value='{job.pk}']").check()
        tab.locator("select[name=action]").select_option(action)
        tab.get_by_role("button", name="Run").or_(tab.get_by_role("button", name="Go")).dblclick(
            delay=PERSON
        )
        expect(tab.locator(".messagelist")).to_contain_text(f"job {job.pk}")
        assert requests_of(job) == 1


def test_an_open_page_takes_no_message_from_the_next_one(page, web, client):
    """Pages in one browser share the cookie in which messages wait."""
    job = launch("noop")
    cancel(job.pk)
    page.goto(f"{web.url}/admin/truestep/job/")
    expect(page.locator(".live-word")).to_have_text("Live")
    client.post(f"/jobs/{job.pk}/cancel/")
    value = client.cookies["messages"].value
    page.context.add_cookies(
        [{"name": "messages", "value": value, "domain": "127.0.0.1", "path": "/"}]
    )
    with page.expect_response(re.compile("id__in")):
        retry(job.pk)
    page.reload()
    expect(page.locator(".messagelist")).to_contain_text("Nothing to cancel")


def test_the_live_page_makes_a_new_intent_of_each_answered_request(page, web, claimant):
    """Without a reload, a step that failed again is retried with the same button."""
    job = drive(claimant, launch("fails"), fail)
    look_at(page, web, job)
    for number in range(1, 4):
        page.locator("[data-step=bad] .try-again").click()
        wait_for(lambda number=number: requests_of(job) == number)
        drive(claimant, job_of(job.pk), fail)
        # "failed" alone may still be that of the attempt before, until the page hears of this one.
        expect(page.locator("[data-step=bad]")).to_have_attribute("data-attempt", str(number + 1))
        expect(page.locator("[data-step=bad]")).to_have_attribute("data-status", "failed")
        expect(page.locator("[data-step=bad] .try-again")).to_be_enabled()


def test_a_click_before_the_answer_to_the_last_one_is_a_request_of_its_own(page, web, claimant):
    """The step may have failed again, and its button be back, before the response arrives."""
    job = drive(claimant, launch("fails"), fail)
    look_at(page, web, job)
    held = []
    page.route("**/retry/", lambda route: held.append((route, route.fetch())), times=1)
    step = page.locator("[data-step=bad]")
    step.locator(".try-again").click()
    wait_for(lambda: page.title() and held)  # asked, so that the page's events are handled
    drive(claimant, job_of(job.pk), fail)
    expect(step).to_have_attribute("data-attempt", "2")
    expect(step).to_have_attribute("data-status", "failed")
    step.locator(".try-again").click()
    [(route, response)] = held
    route.fulfill(response=response)
    wait_for(lambda: page.title() and requests_of(job) == 2)


def test_a_double_click_sends_one_request(page, web, claimant):
    job = drive(claimant, launch("fails"), fail)
    look_at(page, web, job)
    button = page.locator("[data-step=bad] .try-again")
    button.hover()
    for clicks in (1, 2):
        page.mouse.down(click_count=clicks)
        page.mouse.up(click_count=clicks)
        wait_for(lambda: requests_of(job))
        drive(claimant, job_of(job.pk), fail)
        expect(page.locator("[data-step=bad]")).to_have_attribute("data-attempt", "2")
        expect(button).to_be_enabled()
    page.wait_for_load_state("networkidle")
    assert requests_of(job) == 1


def test_a_request_without_a_response_is_not_repeated(page, web, claimant):
    job = drive(claimant, launch("fails"), fail)
    look_at(page, web, job)
    arrived = []

    def lose_the_answer(route):
        arrived.append(route.fetch(max_redirects=0).status)
        route.abort()

    page.route("**/retry/", lose_the_answer, times=1)
    page.get_by_label("Reason").fill("it was the network")
    retry = page.get_by_role("button", name="Retry unsuccessful steps")
    retry.click()
    expect(page.locator("#said")).to_contain_text("No response")
    assert arrived == [302]
    drive(claimant, job_of(job.pk), fail)
    expect(page.locator("[data-job]")).to_have_attribute("data-status", "failed")
    retry.click()
    expect(page.get_by_label("Reason")).to_have_value("")  # it was answered
    assert requests_of(job) == 1
    retry.click()
    wait_for(lambda: requests_of(job) == 2)
    page.noise.clear()  # the console reports the lost answer


def test_a_page_of_an_earlier_login_works_at_the_second_press(page, context, web, claimant):
    job = launch("noop")
    look_at(page, web, job)
    context.clear_cookies(name="csrftoken")
    button = page.get_by_role("button", name="Cancel this job")
    button.click()
    expect(page.locator("#said")).to_contain_text("Nothing was done")
    assert requests_of(job) == 0
    button.click()
    expect(page.locator("[data-job]")).to_have_attribute("data-status", "cancelled")
    assert requests_of(job) == 1
    page.noise.clear()  # the console reports the 403
