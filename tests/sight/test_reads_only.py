"""Sight writes nothing: all of it answers on a connection that can only read."""

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from jobs.models import Job
from jobs.orchestrator import claim, finish, launch
from jobs.sight.as_json import job_as_json
from jobs.sight.failures import error_of_attempt, failures_of_job
from jobs.sight.graph import read_graph
from jobs.sight.job import context_of, read_job, read_overview
from jobs.sight.job_list import IdWindow, ListWindow, has_jobs_without_worker
from jobs.sight.positions import history, position_of
from jobs.sight.steps import FIRST_PAGE, pulse
from jobs.sight.totals import counts
from jobs.sight.waiting import read_workers
from jobs.sight.waterfall import bars_of
from jobs.statuses import Verdict
from tests.support import ended

READS = {
    "a job": lambda job: context_of(read_job(job.pk)),
    "an overview": lambda job: read_overview(job.pk, 2),
    "its history": lambda job: history(job.pk),
    "its position": lambda job: position_of(job.pk),
    "its pulse": lambda job: pulse(job.pk),
    "its failures": lambda job: failures_of_job(job.pk, tracebacks=True),
    "an attempt's error": lambda job: error_of_attempt(job.steps.earliest("position").pk, 1),
    "its graph": lambda job: read_graph(job, FIRST_PAGE),
    "its bars": lambda job: bars_of(job, list(job.steps.all())),
    "its workers": lambda job: read_workers(job.pk),
    "JSON": lambda job: job_as_json(job.pk),
    "a list": lambda job: ListWindow().read(),
    "a page of the admin": lambda job: IdWindow((job.pk,), whole=True).read(),
    "counts": lambda job: has_jobs_without_worker(counts()),
}


@pytest.fixture
def read_only():
    """Nothing can be written on the connection of this test."""
    if connection.vendor == "sqlite":
        switch = "PRAGMA query_only = {}"
    else:
        switch = "SET default_transaction_read_only = {}"
    with connection.cursor() as cursor:
        cursor.execute(switch.format("on"))
        yield
        cursor.execute(switch.format("off"))


@pytest.fixture
def job(claimant):
    """A job with a failed step and a running one."""
    job = launch("fails")
    first, *_ = claim(claimant, room=1)
    finish(claimant, first, ended(Verdict.FAILED, "no answer"), room=1)
    return job


@pytest.mark.parametrize("what", READS)
def test_it_is_read_where_nothing_can_be_written(job, read_only, what):
    READS[what](job)


def test_nothing_can_be_written_there(job, read_only):
    with pytest.raises(DatabaseError):
        Job.objects.update(created_at=timezone.now())
