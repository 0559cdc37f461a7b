"""The admin shows the rows as they are, changes none, and cancels through the orchestrator."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.utils.html import escape

from jobs import database, orchestrator
from jobs.admin import actions, lists
from jobs.admin.readonly import ReadOnlyAdmin
from jobs.models import Attempt, Job, Step, Transition, Worker
from jobs.orchestrator import cancel, claim, launch
from jobs.statuses import Status, Verdict
from tests.support import Cost, drive, ended, job_of, rows
from tests.support.rows import admin_url

MODELS = [Job, Step, Attempt, Transition, Worker]


@pytest.fixture
def job(claimant):
    return drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED, "<b>no</b> luck"))


@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_row_is_listed_and_shown(ada, job, model):
    listed = ada.get(admin_url(model))
    assert listed.status_code == 200
    row = model.objects.latest("pk")
    shown = ada.get(admin_url(model, f"{row.pk}/change/"))
    assert shown.status_code == 200
    assert 'name="_save"' not in shown.text
    assert "deletelink" not in shown.text
    for page in (listed, shown):
        assert not re.search(r"\d [ap]\.m\.|midnight|noon", page.text), "a time without its zone"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("tail", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_a_post_made_by_hand_is_refused(ada, job, model, tail):
    """Not even a superuser can add, change or delete, with or without a button."""
    row = model.objects.latest("pk")
    before = rows()
    response = ada.post(
        admin_url(model, tail.format(pk=row.pk)),
        {"status": "succeeded", "seq": 99, "post": "yes", "_save": "Save"},
    )
    assert response.status_code == 403
    assert rows() == before


@pytest.mark.parametrize("model", MODELS)
def test_the_delete_action_is_not_there(ada, job, model):
    row = model.objects.latest("pk")
    before = rows()
    ada.post(
        admin_url(model),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
        follow=True,
    )
    assert rows() == before


def test_the_job_shows_its_steps_its_journal_and_its_errors_escaped(ada, job):
    response = ada.get(admin_url(Job, f"{job.pk}/change/"))
    text = response.text
    inlines = response.context["inline_admin_formsets"]
    assert [inline.formset.forms for inline in inlines] == [[], []]  # rows alone
    assert f'data-job="{job.pk}" data-status="failed" data-seq="{job.seq}"' in text
    for step in job.steps.all():
        assert f'data-step="{step.name}" data-status="{step.status}" data-seq="{step.seq}"' in text
    for entry in job.journal.exclude(reason=""):
        assert escape(entry.reason) in text
    assert "&lt;b&gt;no&lt;/b&gt; luck" in text
    assert "<b>no</b>" not in text


def test_cancel_goes_through_the_orchestrator_and_says_what_it_did(ada, job):
    other = launch("noop")
    response = ada.post(
        admin_url(Job), {"action": "cancel", "_selected_action": [job.pk, other.pk]}, follow=True
    )
    assert f"Cancel requested: job {other.pk}." in response.text
    assert f"Nothing to cancel in job {job.pk}" in response.text
    assert job_of(other.pk).status == "cancelled"
    request = other.journal.get(kind="request")
    assert (request.actor, request.source) == ("ada", "admin")


def test_retry_goes_through_the_orchestrator_and_says_what_it_did(ada, claimant, job):
    fine = drive(claimant, launch("noop"))
    stopping = launch("noop")
    claim(claimant, room=1)
    cancel(stopping.pk)
    chosen = [job.pk, fine.pk, stopping.pk]
    response = ada.post(
        admin_url(Job), {"action": "retry", "_selected_action": chosen}, follow=True
    )
    assert f"Retry requested: job {job.pk} (fine, bad, after_bad, sibling)." in response.text
    assert f"Nothing to retry in job {fine.pk}: no step has failed." in response.text
    assert f"Nothing to retry in job {stopping.pk}: the job is being cancelled." in response.text
    assert job_of(job.pk).status == "pending"
    request = job.journal.get(kind="request")
    assert (request.actor, request.source, request.reason) == ("ada", "admin", "retry")


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_action_that_the_database_stops_says_how_far_it_came(ada, claimant, action, monkeypatch):
    first, second, third = (launch("fails") for _ in range(3))
    if action == "retry":
        for job in (first, second, third):
            drive(claimant, job, lambda held: ended(Verdict.FAILED))
    act = getattr(orchestrator, action)

    def stopped(pk, **by):
        if pk == second.pk:
            raise OperationalError("database or disk is full")
        return act(pk, **by)

    monkeypatch.setattr(orchestrator, action, stopped)
    chosen = [first.pk, second.pk, third.pk]
    text = ada.post(
        admin_url(Job), {"action": action, "_selected_action": chosen}, follow=True
    ).text
    assert f"Stopped at job {second.pk}" in text
    assert f"Not reached: job {third.pk}." in text
    done = "Cancel requested: job" if action == "cancel" else "Retry requested: job"
    assert f"{done} {first.pk}" in text
    assert job_of(first.pk).journal.filter(kind="request").exists()
    assert not job_of(third.pk).journal.filter(kind="request").exists()


def test_an_attempt_shows_its_verdict(ada, job):
    assert '<td class="field-verdict">Failed</td>' in ada.get(admin_url(Attempt)).text


def test_view_only_users_can_change_nothing(client, database):
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    client.force_login(user)
    job = launch("noop")
    assert client.get(admin_url(Job)).status_code == 200
    assert client.get(admin_url(Step)).status_code == 403
    before = rows()
    for action in ("cancel", "retry"):
        client.post(admin_url(Job), {"action": action, "_selected_action": [job.pk]})
    assert rows() == before


def test_the_admin_needs_a_staff_login(client, database):
    response = client.get(admin_url(Job))
    assert (response.status_code, response.url) == (302, "/admin/login/?next=/admin/truestep/job/")


def test_the_list_costs_the_same_for_many_rows(ada, claimant, django_assert_max_num_queries):
    for _ in range(10):
        drive(claimant, launch("noop"))
    for model in MODELS:
        with django_assert_max_num_queries(12):
            ada.get(admin_url(model))
    with django_assert_max_num_queries(16):
        ada.get(admin_url(Job, f"{Job.objects.latest('pk').pk}/change/"))


# --- lists of any length --------------------------------------------------------------------------

FILTERED = [
    (Job, ["status__exact=failed", "definition=noop", "status__exact=failed&definition=noop"]),
    (Step, ["status__exact=succeeded", "status__exact=pending"]),
    (Attempt, ["verdict__exact=lost"]),
    (Transition, ["what=note", "what=birth", "what=failed"]),
    (Worker, []),
]
LISTS = [(model, query) for model, queries in FILTERED for query in ["", *queries]]


@pytest.mark.parametrize(("model", "query"), LISTS)
def test_a_list_uses_an_index_and_counts_only_as_far_as_it_pages(ada, job, model, query):
    with Cost() as cost:
        assert ada.get(admin_url(model, f"?{query}")).status_code == 200
    about_rows = [sql for sql in cost.statements if f'FROM "{model._meta.db_table}"' in sql]
    assert about_rows
    for sql in about_rows:
        assert "DISTINCT" not in sql
        assert "LIMIT" in sql or "COUNT" not in sql
        if connection.vendor == "sqlite":
            plan = database.rows(f"EXPLAIN QUERY PLAN {sql}")
            assert not [line for *_, line in plan if "TEMP B-TREE" in line]


@pytest.mark.parametrize("model", [Job, Step, Attempt, Transition])
def test_the_rows_of_pages_before_are_not_read(ada, job, claimant, monkeypatch, model):
    """Not even their keys are read from the table: an index has them."""
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 2)
    drive(claimant, launch("noop"))
    launch("noop")
    with Cost() as cost:
        assert ada.get(admin_url(model, "?p=2")).context["cl"].page_num == 2
    [keys] = [sql for sql in cost.statements if "OFFSET" in sql]
    table = model._meta.db_table
    assert keys.startswith(f'SELECT "{table}"."id" AS "pk" FROM "{table}" ORDER BY')


@pytest.mark.parametrize("model", [Step, Transition])
def test_a_list_shows_the_newest_rows_and_mentions_older_ones(ada, job, monkeypatch, model):
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 2)
    monkeypatch.setattr(lists, "MOST_LISTED", 3)
    listed = ada.get(admin_url(model, "?p=2"))
    assert list(listed.context["cl"].result_list) == [model.objects.order_by("-pk")[2]]
    assert "the newest 3" in listed.text
    monkeypatch.setattr(lists, "MOST_LISTED", model.objects.count())
    assert "the newest" not in ada.get(admin_url(model)).text


def test_an_action_on_all_jobs_covers_those_that_the_list_shows(ada, claimant, monkeypatch):
    monkeypatch.setattr(actions, "MOST_LISTED", 2)
    jobs = [launch("noop") for _ in range(3)]
    chosen = {"_selected_action": [jobs[2].pk], "select_across": "1"}
    ada.post(admin_url(Job), {"action": "cancel", **chosen}, follow=True)
    assert [job_of(job.pk).status for job in jobs] == ["pending", "cancelled", "cancelled"]


@pytest.mark.parametrize("what", ["birth", "request", "note", *Status])
def test_entries_are_filtered_by_their_code(ada, claimant, what):
    job = launch("diamond")
    cancel(job.pk)
    cancel(job.pk)
    orchestrator.retry(job.pk)
    drive(claimant, job, lambda held: ended(Verdict.FAILED))
    drive(claimant, launch("noop"))
    found = ada.get(admin_url(Transition, f"?what={what}")).context["cl"].result_list
    is_kind = what in ("birth", "request", "note")
    wanted = {"kind": what} if is_kind else {"kind": "move", "to_status": what}
    assert list(found) == list(Transition.objects.filter(**wanted).order_by("-pk"))
    assert found
