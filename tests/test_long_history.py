"""In a history eight times as long, each page and command reads as many rows as before."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.core.management import call_command

from jobs import orchestrator
from jobs.admin import lists
from jobs.admin.readonly import ReadOnlyAdmin
from jobs.database import triggers
from jobs.models import Attempt, Job, Step, Transition, Worker
from jobs.sight import backlog, flow, job_list, measures, run_times, totals
from jobs.statuses import JOB_STATUSES, Status, Verdict
from tests.support import Instructions, drive, ended
from tests.support.copies import copy_history
from tests.support.rows import admin_url

MOST, PAGE = 8, 4  # rows of a list, and jobs of a status, that are counted; rows of a page
TIMES = 8  # at least MOST: what exists once fills its list as well before as after
LEEWAY = 1.15  # a deeper index; a loop over rows would take several times as long
LISTED = [Job, Step, Attempt, Transition, Worker]
DEFINITIONS = ["noop", "diamond", "fails"]


def make_jobs(claimant):
    """Of some pairs of status and definition many jobs, of others none."""
    for _ in range(3):
        drive(claimant, orchestrator.launch("noop"))
        drive(claimant, orchestrator.launch("diamond"), lambda held: ended(Verdict.FAILED))
        orchestrator.cancel(orchestrator.launch("fails").pk)
    for _ in range(2):
        orchestrator.launch("noop")
        orchestrator.claim(claimant, room=1)
    for _ in range(2):
        orchestrator.launch("diamond")


def lengthen():
    triggers.remove()
    copy_history(TIMES - 1)
    triggers.install()


def list_addresses():
    for status in ["", *JOB_STATUSES]:
        for name in ["", *DEFINITIONS]:
            yield f"/?status={status}&definition={name}"
            yield f"/?status={status}&definition={name}&before={{middle}}"


def admin_addresses():
    """Each list, its last page, and each filter; of jobs also each pair of filters."""
    pairs = [f"status__exact={s}&definition={name}" for s in JOB_STATUSES for name in DEFINITIONS]
    filters = {
        Job: [*pairs, *(f"definition={name}" for name in DEFINITIONS)],
        Step: [f"status__exact={status}" for status in Status],
        Attempt: [f"verdict__exact={verdict}" for verdict in Verdict],
        Transition: [f"what={what}" for what in ["birth", "request", "note", *Status]],
        Worker: [],
    }
    for model, queries in filters.items():
        for query in ["", "o=2", *queries]:
            yield admin_url(model, f"?{query}")
        yield admin_url(model, "?p={last}")
        yield admin_url(model, f"{{{model.__name__}}}/change/")
    for status in JOB_STATUSES:
        yield admin_url(Job, f"?status__exact={status}&p={{last}}")


def page_costs(client):
    """What each page reads, by its address."""
    newest = {model.__name__: model.objects.latest("pk").pk for model in LISTED}
    middle = Job.objects.order_by("pk")[Job.objects.count() // 2].pk
    failed = Job.objects.filter(status="failed").latest("pk").pk
    rows = {**newest, "middle": middle, "failed": failed, "last": MOST // PAGE}
    costs = {}
    for address in [*list_addresses(), *admin_addresses(), "/jobs/{failed}/"]:
        with Instructions() as done:
            client.get(address.format(**rows))
        costs[address] = done.count
    return costs


def follow():
    """What is new since a look, however much there was before."""
    followed = flow.Flow()
    followed.look(str)
    orchestrator.launch("noop")
    followed.look(str)
    assert followed.launched["noop"] == 1


def command_costs(claimant):
    """What each thing that is done to one job reads and writes, by its name."""
    failed = Job.objects.filter(status="failed").latest("pk").pk
    ended_job = Job.objects.filter(status="succeeded").latest("pk").pk
    deeds: dict[str, Callable[[], object]] = {
        "show": lambda: call_command("show", str(failed), stdout=io.StringIO()),
        "show --json": lambda: call_command("show", str(failed), "--json", stdout=io.StringIO()),
        "launch": lambda: orchestrator.launch("noop"),
        "retry": lambda: orchestrator.retry(failed),
        "cancel": lambda: orchestrator.cancel(failed),
        "retry of nothing": lambda: orchestrator.retry(ended_job),
        "claim": lambda: orchestrator.claim(claimant, room=1),
        "next retry": lambda: orchestrator.next_retry(claimant),
        "how long steps wait": backlog.oldest_ready_seconds,
        "jobs by definition": lambda: measures.jobs(DEFINITIONS),
        "steps by definition": lambda: measures.steps(DEFINITIONS),
        "ready steps": lambda: measures.ready(DEFINITIONS),
        "what has happened": follow,
        "run times": lambda: run_times.last_runs(Job.objects.get(pk=failed)),
    }
    costs = {}
    for name, deed in deeds.items():
        with Instructions() as done:
            deed()
        costs[name] = done.count
    return costs


@pytest.mark.slow
@pytest.mark.sqlite
def test_what_is_read_does_not_grow_with_the_history(ada, claimant, monkeypatch):
    monkeypatch.setattr(totals, "MOST_COUNTED", MOST)
    monkeypatch.setattr(totals, "_many", {})
    monkeypatch.setattr(totals, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(totals, "BACKLOG_SECONDS", 0.0)
    monkeypatch.setattr(measures, "MOST_COUNTED", MOST)
    monkeypatch.setattr(measures, "_is_remembered", lambda pair: False)
    monkeypatch.setattr(backlog, "MOST_READ", MOST)
    monkeypatch.setattr(run_times, "RUNS", MOST)
    monkeypatch.setattr(run_times, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(flow, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(lists, "MOST_LISTED", MOST)
    monkeypatch.setattr(job_list, "PAGE_SIZE", PAGE)
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", PAGE)
    make_jobs(claimant)
    command_costs(claimant)  # makes rows of kinds that are to be copied
    lengthen()
    before = page_costs(ada) | command_costs(claimant)
    lengthen()
    after = page_costs(ada) | command_costs(claimant)
    assert len(before) > 100
    grown = [
        f"{name}: {before[name]} → {after[name]}"
        for name in before
        if after[name] > before[name] * LEEWAY + 20
    ]
    assert not grown, "\n".join(grown)
