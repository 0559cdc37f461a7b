"""The attempts of a step, as a page shows them."""

from __future__ import annotations

from jobs.models import Attempt
from jobs.orchestrator import claim, finish, launch
from jobs.sight.job import read_job
from jobs.sight.positions import START, position_of
from jobs.statuses import Verdict
from tests.support import ended
from tests.support.rendering import rest_is_over, step_html


def attempts_of(job, name, since=START):
    [row] = [row for row in read_job(job.pk, since).steps if row.step.name == name]
    return [attempt.number for attempt in row.attempts]


def test_one_attempt_is_shown_alone_and_several_in_a_table(claimant):
    job = launch("rests")
    assert attempts_of(job, "rest") == []
    for number in (1, 2):
        [held] = claim(claimant, room=1)
        assert attempts_of(job, "rest") == ([] if number == 1 else [2, 1])
        finish(claimant, held, ended(Verdict.FAILED, f"<i>no {number}"), room=0)
        rest_is_over(claimant)
    html = step_html(job, "rest")
    for number in (1, 2):
        assert f"&lt;i&gt;no {number}" in html
        assert f'href="/jobs/{job.pk}/steps/rest/log?attempt={number}"' in html
    assert html.count('<span class="verdict">failed</span>') == 2
    assert html.count(f"on {claimant.worker}") == 2
    assert "<i>" not in html


def test_of_many_attempts_the_newest_ten_are_shown_and_their_number(claimant):
    job = launch("noop")
    for _ in range(12):
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    assert attempts_of(job, "one") == list(range(12, 2, -1))
    assert "12 attempts, newest 10" in step_html(job, "one")
    assert attempts_of(job, "two") == []


def test_a_page_gets_only_the_attempts_that_changed(claimant):
    job = launch("noop")

    def hand_back():
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
        return position_of(job.pk)

    first = hand_back()
    hand_back()
    assert attempts_of(job, "one", first) == [2, 1], "the first was not among others"
    second = hand_back()
    for _ in range(2):
        hand_back()
    here = position_of(job.pk)
    assert attempts_of(job, "one", second) == [5, 4]
    [held] = claim(claimant, room=1)
    assert attempts_of(job, "one", here) == [6]
    finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    for _ in range(7):
        hand_back()
    assert attempts_of(job, "one", first) == list(range(13, 3, -1))


def test_long_errors_are_cut_in_the_table_of_attempts(claimant):
    job = launch("rests")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    rest_is_over(claimant)
    Attempt.objects.update(error="e" * 10_000, traceback="first" + "t" * 10_000 + "last")
    claim(claimant, room=1)
    html = step_html(job, "rest")
    assert "e" * 2000 in html
    assert "e" * 2001 not in html
    assert "first" not in html
    assert "t" * 1996 + "last" in html
    Attempt.objects.filter(number=1).update(traceback="short")
    assert "short" in step_html(job, "rest")
