"""Jobs that run an older job again, and the links between them."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.template.loader import render_to_string

from jobs.models import Job
from jobs.orchestrator import launch
from jobs.sight.job import context_of, read_job
from jobs.sight.positions import position_of
from tests.support import drive, job_of, returned


def test_a_job_links_the_jobs_launched_from_it_and_its_original(claimant):
    old = drive(claimant, launch("noop"))
    here = read_job(old.pk)
    new = [launch("noop", again_of=old, actor="ada", why="once more").pk for _ in range(6)]
    snapshot = read_job(old.pk, here.position)
    assert snapshot.followers == new[1:]
    notes = [(entry.kind, entry.actor, entry.reason) for entry in snapshot.journal]
    assert notes == [("note", "ada", f"launched again as job {pk}: once more") for pk in new]
    head = render_to_string("truestep/_job.html", context_of(snapshot))
    assert all(f'href="/jobs/{pk}/"' in head for pk in new[1:])
    snapshot = read_job(new[0])
    head = " ".join(render_to_string("truestep/_job.html", context_of(snapshot)).split())
    assert f'again after <a href="/jobs/{old.pk}/">' in head


def test_a_launch_in_a_transaction_is_announced_at_its_commit(claimant):
    old = drive(claimant, launch("noop"))
    with transaction.atomic():
        new = launch("noop", again_of=old)
        assert position_of(old.pk).seq == old.seq
    assert old.journal.latest("seq").reason == f"launched again as job {new.pk}"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        launch("noop", again_of=old)
        raise ZeroDivisionError
    assert position_of(old.pk).seq == old.seq + 1


def test_an_older_job_that_is_gone_stops_no_launch(claimant):
    old = launch("noop")
    new = launch("noop", again_of=old)
    Job.objects.filter(pk=old.pk).delete()
    assert job_of(new.pk).again_of is None
    snapshot = read_job(new.pk)
    head = render_to_string("truestep/_job.html", context_of(snapshot))
    assert "again after" not in head
    assert drive(claimant, new, lambda held: returned()).status == "succeeded"
