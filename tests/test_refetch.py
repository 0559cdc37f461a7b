"""What a page's script fetches takes nothing from the page that a person loads next."""

from __future__ import annotations

import pytest

from jobs import database as its_database
from jobs.models import Job
from jobs.orchestrator import cancel, launch
from jobs.refetch import HEADER
from jobs.views.actions import NOTHING_TO_CANCEL
from tests.support.rows import admin_url

PAGES = ["/", "/jobs/{}/", admin_url(Job), admin_url(Job, "{}/change/")]


@pytest.mark.parametrize("page", PAGES)
def test_a_refetch_leaves_messages_to_the_next_page(ada, database, page):
    job = launch("noop")
    cancel(job.pk)
    ada.post(f"/jobs/{job.pk}/cancel/")
    for _ in range(2):
        assert ada.get(page.format(job.pk), headers={HEADER: "1"}).status_code == 200
    assert NOTHING_TO_CANCEL in ada.get(page.format(job.pk)).text
    assert NOTHING_TO_CANCEL not in ada.get(page.format(job.pk)).text


def test_a_warning_about_a_lock_is_not_gathered_by_refetches(ada, database, monkeypatch):
    monkeypatch.setattr(its_database, "lock_sentence", lambda: ["It is locked."])
    jobs = admin_url(Job)
    for _ in range(2):
        ada.get(jobs, headers={HEADER: "1"})
    assert ada.get(jobs).text.count("It is locked.") == 1
