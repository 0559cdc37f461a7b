"""How many jobs there are: exact up to a limit, and beyond it remembered with its time."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from jobs import orchestrator
from jobs.orchestrator import cancel, launch
from jobs.sight import totals
from jobs.sight.job_list import ListWindow
from jobs.sight.totals import counted_at, counts
from tests.support import Cost


@pytest.fixture
def many(database, monkeypatch):
    """More cancelled jobs, and more pending ones, than are counted; the cancelled jobs."""
    monkeypatch.setattr(totals, "MOST_COUNTED", 2)
    monkeypatch.setattr(totals, "_many", {})
    jobs = [launch("noop") for _ in range(8)]
    for job in jobs[:4]:
        cancel(job.pk)
    return jobs[:4]


def read():
    """The counts, and which statuses were counted for them."""
    with Cost() as cost:
        found = counts()
    return found, [status for status in found if f"'{status}'" in "".join(cost.statements)]


def test_beyond_the_limit_counting_stops(many):
    assert counts() | {"succeeded": 0} == {
        "pending": 3,
        "running": 0,
        "succeeded": 0,
        "failed": 0,
        "cancelled": 3,
    }


@pytest.mark.sqlite
def test_that_there_are_many_is_remembered_longer_of_jobs_that_have_ended(many, monkeypatch):
    first, counted = read()
    assert counted == list(first)
    again, counted = read()
    assert again == first
    assert counted == ["running", "succeeded", "failed"]
    monkeypatch.setattr(totals, "BACKLOG_SECONDS", 0.0)
    assert read()[1] == ["pending", "running", "succeeded", "failed"]
    for job in many:
        orchestrator.retry(job.pk)
    assert counts()["cancelled"] == 3
    monkeypatch.setattr(totals, "REMEMBERED_SECONDS", 0.0)
    assert counts()["cancelled"] == 0
    assert totals._many.keys() == {"pending"}


def test_the_page_says_when_it_was_counted(ada, many):
    counts()
    totals._many["cancelled"] -= 30
    assert timezone.now() - counted_at("cancelled") > timedelta(seconds=29)
    titles = re.findall(r'title="more than 2 at (..:..:..) UTC"', ada.get("/").text)
    pending, cancelled = (datetime.strptime(title, "%H:%M:%S") for title in titles)
    assert (pending - cancelled) % timedelta(days=1) >= timedelta(seconds=29)


def test_a_remembered_total_changes_no_mark(many):
    marks = [ListWindow().read().mark, ListWindow().read().mark]
    assert marks[0] == marks[1]
