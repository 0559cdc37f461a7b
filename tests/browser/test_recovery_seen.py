"""Death, warning, recovery, retries, time-out and cancel are seen on an untouched page."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import expect

from jobs.models import Worker
from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.browser.support import (
    look_at,
    shown_by_command,
    shown_by_page,
    statuses_seen,
    step,
)
from tests.support import drive, ended, job_of, program, step_of, stop_process, wait_for

# The page looks every two seconds: a lease in which it sees a silence before others decide …
LEASE = {"TEST_LEASE": "6", "TEST_BEAT": "1"}
# … and one in which it also says so to those who listen, which it does three seconds later.
LONG_LEASE = {"TEST_LEASE": "20", "TEST_BEAT": "1"}
on_one_database = pytest.mark.sqlite  # the page does not know which it is


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


@pytest.fixture
def leased(database, serving):
    """Only a web server, which expects signs of life as often as LEASE says."""
    with serving("--no-worker", env=LEASE) as running:
        yield running


@pytest.fixture
def long_leased(database, serving):
    """The same with LONG_LEASE."""
    with serving("--no-worker", env=LONG_LEASE) as running:
        yield running


def watch(page, site, job) -> None:
    look_at(page, site, job)
    page.evaluate("window.never_reloaded = true")


def assert_it_was_all_true(page, job) -> None:
    """Untouched, and in the end what the database has."""
    assert page.evaluate("window.never_reloaded")
    expect(page.locator("[data-job]")).to_have_attribute("data-seq", str(job_of(job.pk).seq))
    assert shown_by_page(page) == shown_by_command(job)


def attempts(page, name):
    """Number and verdict of each attempt that is shown side by side, the newest first."""
    rows = step(page, name).locator("[data-attempt-ref]")
    return rows.evaluate_all(
        "all => all.map(row => [row.dataset.attemptRef, row.querySelector('.verdict').innerText])"
    )


def let_it_end(page, gate, attempt: int) -> None:
    """Let this attempt of a job that rests end once the page has shown that it runs."""
    expect(step(page, "rest")).to_have_attribute("data-attempt", str(attempt))
    expect(step(page, "rest")).to_have_attribute("data-status", "running")
    gate.with_name(f"{gate.name}{attempt}").touch()


def test_one_of_two_workers_is_killed_and_its_step_goes_on_elsewhere(page, web, gate):
    with program("worker", "--slots", "1") as first:
        job = launch("patient", {"gate": str(gate)})
        watch(page, web, job)
        expect(step(page, "wait").locator(".status")).to_have_text("running")
        with program("worker", "--slots", "1") as second:
            second.wait_for_line("Worker with")
            wait_for(lambda: Worker.objects.count() == 2, 30)
            first.process.kill()
            expect(step(page, "wait")).to_have_attribute("data-attempt", "2")
            expect(
                page.locator(".entry", has_text="its worker was lost; retry 1 of 2")
            ).to_be_visible()
            gate.touch()
            expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert statuses_seen(page, "wait")[-4:] == ["running", "pending", "running", "succeeded"]
    assert attempts(page, "wait") == [["2", "returned"], ["1", "lost"]]
    lost = step(page, "wait").locator("[data-attempt-ref='1']")
    expect(lost).to_contain_text("is gone (killed or crashed), and the step with it")
    expect(lost).to_contain_text(f":{first.process.pid}")
    assert_it_was_all_true(page, job)


@on_one_database
def test_of_many_attempts_an_open_page_shows_what_a_fresh_one_shows(page, web, claimant):
    job = launch("noop")
    watch(page, web, job)
    for number in range(1, 13):
        [held] = claim(claimant, room=1)
        expect(step(page, "one")).to_have_attribute("data-attempt", str(number))
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    expect(page.locator("[data-job]")).to_have_attribute("data-seq", str(job_of(job.pk).seq))
    seen = attempts(page, "one")
    assert seen == [[str(number), "handed back"] for number in range(12, 2, -1)]
    assert page.evaluate("window.never_reloaded")
    page.reload()
    assert attempts(page, "one") == seen


@pytest.mark.full
@on_one_database
def test_the_only_worker_is_killed_and_another_one_started_later(page, web, gate):
    with program("worker") as only:
        job = launch("patient", {"gate": str(gate)})
        watch(page, web, job)
        expect(step(page, "wait").locator(".status")).to_have_text("running")
        only.process.kill()
        warning = step(page, "wait").locator(".warning")
        expect(warning).to_contain_text(
            f":{only.process.pid} has ended; its last heartbeat was at "
        )
        expect(warning).to_contain_text("Nothing is decided until a worker runs: start one with")
        expect(warning).to_contain_text("The step is then retried (attempt 2 of 3).")
        expect(step(page, "wait")).to_have_attribute("data-status", "running")
    with program("worker"):
        expect(step(page, "wait")).to_have_attribute("data-attempt", "2")
        expect(warning).to_be_hidden()
        gate.touch()
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_a_frozen_worker_is_warned_of_before_its_step_is_taken_away(page, long_leased, gate):
    with program("worker", "--slots", "1", env=LONG_LEASE) as first:
        job = launch("patient", {"gate": str(gate)})
        watch(page, long_leased, job)
        expect(step(page, "wait").locator(".status")).to_have_text("running")
        with program("worker", env=LONG_LEASE) as second:
            second.wait_for_line("Worker with")
            wait_for(lambda: Worker.objects.count() == 2, 30)
            warning = step(page, "wait").locator(".warning")
            expect(warning).to_be_hidden()
            try:
                stop_process(first.process.pid)
                expect(warning).to_contain_text(
                    f"No heartbeat from its worker {Worker.objects.earliest('pk')} since "
                )
                expect(warning).to_contain_text(
                    "this attempt ends. The step is then retried (attempt 2 of 3)."
                )
                since, by = (
                    warning.locator("time").nth(n).get_attribute("datetime") for n in (0, 1)
                )
                assert step_of(job, "wait").attempt == 1, "warned of before anything is decided"
                expect(page.locator("#summary")).to_contain_text("no heartbeat: 1")
                expect(step(page, "wait")).to_have_attribute("data-attempt", "2", timeout=20_000)
                expect(warning).to_be_hidden()
            finally:
                os.kill(first.process.pid, signal.SIGCONT)
            expect(
                page.locator(".entry[data-kind=note]", has_text="a late write of attempt 1")
            ).to_be_visible()
            gate.touch()
            expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert since < by
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_a_warning_disappears_when_the_heartbeat_returns(page, leased, gate):
    """Frozen for less than a lease: nothing was decided, and nothing is warned of any more."""
    with program("worker", env=LEASE) as worker:
        job = launch("patient", {"gate": str(gate)})
        watch(page, leased, job)
        expect(step(page, "wait").locator(".status")).to_have_text("running")
        warning = step(page, "wait").locator(".warning")
        try:
            stop_process(worker.process.pid)
            expect(warning).to_contain_text("until it returns or another worker runs")
        finally:
            os.kill(worker.process.pid, signal.SIGCONT)
        expect(warning).to_be_hidden()
        gate.touch()
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_a_step_between_attempts_says_when_its_retry_comes(page, web, gate):
    job = launch("rests", {"gate": str(gate)})
    watch(page, web, job)
    with program("worker"):
        for number in (1, 2):
            let_it_end(page, gate, number)
            reason = step(page, "rest").locator(".reason")
            why = f"ConnectionError: no answer to attempt {number}"
            expect(reason).to_contain_text(f"(attempt {number + 1} of 4, after: {why})")
            expect(reason).to_contain_text("is retried at ")
        let_it_end(page, gate, 3)
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert attempts(page, "rest") == [["3", "returned"], ["2", "failed"], ["1", "failed"]]
    seen = statuses_seen(page, "rest")
    assert seen == ["pending", *["running", "pending"] * 2, "running", "succeeded"]
    log = step(page, "rest").get_by_role("link", name="Log of attempt 2")
    answer = page.request.get(web.url + log.get_attribute("href"))
    assert answer.text() == "trying for the 2. time\n"
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_what_is_due_waits_for_a_worker_without_an_entry(page, web, gate):
    """Its worker stops while the step rests: then time alone changes what the page says."""
    job = launch("rests", {"gate": str(gate)})
    watch(page, web, job)
    with program("worker") as worker:
        let_it_end(page, gate, 1)
        reason = step(page, "rest").locator(".reason")
        expect(reason).to_contain_text("is retried at ")
        worker.process.kill()
        seq = job_of(job.pk).seq
        expect(reason).to_have_text("no worker is running: start one with python manage.py worker")
        assert job_of(job.pk).seq == seq
    assert_it_was_all_true(page, job)


@pytest.mark.full
def test_a_person_retries_a_failed_step(page, site, tmp_path):
    job = launch("mendable", {"file": str(tmp_path / "file")})
    watch(page, site, job)
    expect(page.locator("[data-job] .status")).to_have_text("failed")
    for button in (
        step(page, "mend").get_by_role("button", name="Retry"),
        step(page, "after").get_by_role("button", name="Retry"),
        page.get_by_role("button", name="Retry unsuccessful steps"),
    ):
        expect(button).to_be_visible()
    expect(step(page, "before").get_by_role("button", name="Retry")).to_be_hidden()
    step(page, "mend").get_by_role("button", name="Retry").click()
    expect(step(page, "mend")).to_have_attribute("data-attempt", "2")
    expect(page.locator("[data-job] .status")).to_have_text("failed")
    (tmp_path / "file").touch()
    page.get_by_label("Reason").fill("the file is there now")
    page.get_by_role("button", name="Retry unsuccessful steps").click()
    expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    expect(page.get_by_role("button", name="Retry unsuccessful steps")).to_be_hidden()
    expect(
        page.locator(".entry", has_text="retry requested the file is there now by ada@lovelace.")
    ).to_be_visible()
    seen = statuses_seen(page, "job")
    assert seen[-1] == "succeeded" and seen.count("failed") == 2
    assert statuses_seen(page, "after")[-1] == "succeeded"  # what came before was short
    assert attempts(page, "mend") == [["3", "returned"], ["2", "failed"], ["1", "failed"]]
    assert_it_was_all_true(page, job)


@on_one_database
def test_what_is_written_while_an_answer_is_awaited_stays(page, web, claimant):
    job = launch("mendable", {"file": "/nowhere"})
    drive(claimant, job, lambda held: ended(Verdict.FAILED))
    watch(page, web, job)
    awaited = []
    page.route("**/retry/", lambda route: awaited.append(route))
    again = step(page, "before").get_by_role("button", name="Retry")
    again.click()
    expect(again).to_be_disabled()
    page.get_by_label("Reason").fill("the file is there now")
    wait_for(lambda: page.wait_for_timeout(10) or awaited, what="the page has asked")
    awaited[0].fulfill(status=302, headers={"Location": page.url})  # as the server answers
    expect(again).to_be_enabled()
    expect(page.get_by_label("Reason")).to_have_value("the file is there now")


@pytest.mark.full
@on_one_database
def test_a_time_out_and_the_attempt_after_it_are_seen(page, web):
    job = launch("slow_once")
    watch(page, web, job)
    with program("worker"):
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert statuses_seen(page, "work") == ["pending", "running", "pending", "running", "succeeded"]
    assert attempts(page, "work") == [["2", "returned"], ["1", "timed out"]]
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_a_cancel_and_a_relaunch_are_shown_on_the_old_page(page, context, site, gate):
    job = launch("patient", {"gate": str(gate)})
    watch(page, site, job)
    expect(step(page, "wait").locator(".status")).to_have_text("running")
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.locator("[data-job] .status")).to_have_text("cancelled")
    assert statuses_seen(page, "wait")[-2:] == ["running", "cancelled"]
    gate.touch()
    other = context.new_page()
    other.goto(page.url)
    other.get_by_role("link", name="Launch again").click()
    expect(other.get_by_label("Gate")).to_have_value(str(gate))
    other.get_by_label("Reason").fill("cancelled by mistake")
    other.get_by_role("button", name="Launch again").click()
    new = wait_for(job.followers.first, 30)
    expect(other.get_by_role("link", name=f"job #{job.pk}")).to_be_visible()
    expect(page.locator(".followers")).to_have_text(f"launched again as #{new.pk}")
    expect(
        page.locator(
            ".entry",
            has_text=f"launched again as job {new.pk}: cancelled by mistake by ada@",
        )
    ).to_be_visible()
    expect(other.locator("[data-job] .status")).to_have_text("succeeded")
    assert_it_was_all_true(page, job)


@pytest.mark.full
@on_one_database
def test_a_log_that_is_followed_is_followed_through_the_attempts(page, web, gate):
    job = launch("talks_again", {"gate": str(gate)})
    watch(page, web, job)
    with program("worker"):
        expect(step(page, "talk").locator("[data-line='120']")).to_be_visible()
        below = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
        wait_for(lambda: step(page, "talk").locator(".log-lines").evaluate(below) < 40)
        gate.touch()
        expect(page.locator("[data-job] .status")).to_have_text("succeeded")
    assert_it_was_all_true(page, job)
