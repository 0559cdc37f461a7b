"""Every page and action, with and without the permission for it."""

import re

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.urls import get_resolver

from jobs import views
from jobs.logs import LogBook
from jobs.models import Job, Worker
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.statuses import Verdict
from tests.support import drive, ended, job_of, returned, rows, statuses, step_of
from tests.support.driving import write_log
from tests.testapp.simple_jobs import Noop


@pytest.fixture
def job(claimant):
    return drive(
        claimant,
        launch("fails"),
        lambda held: ended(Verdict.FAILED, "<b>no</b>") if held.name == "bad" else returned(),
    )


def page(client, path, expected=200):
    response = client.get(path)
    assert response.status_code == expected, path
    return b"".join(response).decode() if response.streaming else response.text


# --- the permission matrix ------------------------------------------------------------------------
# (method, path, what it takes); {job} is a job's id.

VIEW, LAUNCH, CONTROL, LOG = "view_job", "launch_job", "control_job", "view_log"
STACK = "view_stack"
QUEUES, WORKERS = "control_queue", "control_worker"
MATRIX = [
    ("get", "/", {VIEW}),
    ("get", "/?status=failed&definition=fails", {VIEW}),
    ("get", "/jobs/{job}/", {VIEW}),
    ("get", "/workers/", {VIEW}),
    ("post", "/queues/gpu/pause/", {QUEUES}),
    ("post", "/queues/gpu/resume/", {QUEUES}),
    ("post", "/workers/{worker}/drain/", {WORKERS}),
    ("post", "/workers/{worker}/resume/", {WORKERS}),
    ("post", "/workers/{worker}/stop/", {WORKERS}),
    ("get", "/launch/", {LAUNCH}),
    ("get", "/launch/noop/", {LAUNCH}),
    ("post", "/launch/noop/", {LAUNCH}),
    ("post", "/jobs/{job}/cancel/", {CONTROL}),
    ("post", "/jobs/{job}/retry/", {CONTROL}),
    ("get", "/launch/fails/?again={job}", {LAUNCH, VIEW}),
    ("post", "/launch/fails/?again={job}", {LAUNCH, VIEW}),
    ("get", "/jobs/{job}/steps/bad/log", {VIEW, LOG}),
    ("get", "/jobs/{job}/steps/bad/log?attempt=1", {VIEW, LOG}),
    ("get", "/jobs/{job}/steps/bad/log?raw=1", {VIEW, LOG}),
    ("get", "/jobs/{job}/log/?q=x", {VIEW, LOG}),
    ("get", "/jobs/{job}/log/?q=x&numbers=1", {VIEW, LOG}),
    ("get", "/jobs/{job}/steps/bad/stack", {VIEW, STACK}),
    ("post", "/jobs/{job}/steps/bad/stack", {VIEW, STACK}),
]  # fmt: skip
EVERYTHING = {VIEW, LAUNCH, CONTROL, LOG, STACK, QUEUES, WORKERS}


def ask(client, method, path, job):
    worker = Worker.objects.latest("pk").pk
    return getattr(client, method)(path.format(job=job.pk, worker=worker))


@pytest.mark.parametrize(("method", "path", "needed"), MATRIX)
def test_anonymous_requests_are_redirected_to_the_login(client, job, method, path, needed):
    before = rows()
    response = ask(client, method, path, job)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?next=/")
    assert rows() == before


@pytest.mark.parametrize(
    ("method", "path", "missing"),
    [(method, path, missing) for method, path, needed in MATRIX for missing in sorted(needed)],
)
def test_without_any_one_permission_that_it_takes_it_is_refused(login, job, method, path, missing):
    client = login(*EVERYTHING - {missing})
    before = rows()
    response = ask(client, method, path, job)
    assert response.status_code == 403
    assert "Not permitted" in response.text
    assert rows() == before


@pytest.mark.parametrize(("method", "path", "needed"), MATRIX)
def test_the_permissions_that_it_takes_suffice(login, job, method, path, needed):
    response = ask(login(*needed), method, path, job)
    assert response.status_code == (302 if method == "post" else 200)
    assert "login" not in response.headers.get("Location", "")


def test_every_path_of_the_app_is_in_the_matrix():
    named = {pattern.name for pattern in get_resolver("jobs.urls").url_patterns}
    jobs, others = (
        {"list", "job", "cancel", "retry", "log", "find", "stack"},
        {"script", "healthz", "readyz", "metrics"},
    )
    fleet = {"workers", "order-queue", "order-worker"}
    assert named == jobs | fleet | {"launch-list", "launch"} | others


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/jobs/{job}/cancel/"), ("post", "/"), ("post", "/jobs/{job}/"), ("put", "/launch/")],
)
def test_other_methods_are_not_allowed(ada, job, method, path):
    assert ask(ada, method, path, job).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/999/",
        "/jobs/x/",
        "/launch/nothing/",
        "/jobs/999/steps/bad/log",
        "/jobs/{job}/steps/nothing/log",
        "/jobs/{job}/steps/bad/log?attempt=x",
        "/jobs/{job}/steps/bad/log?raw=yes",
        "/jobs/999/log/",
        "/jobs/{job}/log/?level=loud",
        "/jobs/{job}/log/?step=nothing",
        "/jobs/{job}/log/?step=no%00thing",
        "/jobs/{job}/log/?at=nothing:1",
        "/jobs/{job}/log/?at=bad",
        "/jobs/{job}/steps/bad/log?attempt=٣x",
    ],
)
def test_what_is_not_there_is_404(ada, job, path):
    assert "Not found" in page(ada, path.format(job=job.pk), 404)


def test_cancel_of_what_is_not_there_is_404(ada):
    assert ada.post("/jobs/999/cancel/").status_code == 404


def test_a_post_without_its_token_is_refused(ada, job):
    ada.handler.enforce_csrf_checks = True
    assert ada.post("/launch/noop/").status_code == 403
    assert ada.post(f"/jobs/{job.pk}/cancel/").status_code == 403


def test_healthz_needs_no_login(client):
    assert page(client, "/healthz") == "ok"


@pytest.mark.parametrize(
    "path", ["/", "/jobs/{job}/", "/launch/noop/", "/accounts/login/", "/admin/"]
)
def test_every_page_carries_the_strict_policy(ada, job, path):
    headers = ada.get(path.format(job=job.pk)).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "style-src 'self';" in policy + ";"
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"


# --- the pages ------------------------------------------------------------------------------------


def test_the_job_page_shows_what_the_rows_hold(ada, job):
    text = " ".join(page(ada, f"/jobs/{job.pk}/").split())
    head = rf'id="job-{job.pk}" data-job="{job.pk}" data-status="failed" data-seq="{job.seq}"'
    assert head in text
    for step in job.steps.all():
        assert (
            f'id="step-{step.pk}"' in text
            and f'data-step="{step.name}" data-status="{step.status}" data-seq="{step.seq}" '
            f'data-attempt="{step.attempt}"'
            in text
        )
    assert re.findall(rf'id="entry-{job.pk}-(\d+)"', text) == [
        str(n) for n in range(1, job.seq + 1)
    ]
    assert (
        '<body data-live="offline" data-can="view launch control log stack queues workers"' in text
    )
    assert f'data-seq="{job.seq}" data-tag="{job.tag}" data-now=' in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "<b>no</b>" not in text


def test_the_page_says_why_a_step_is_pending(ada, claimant):
    job = launch("diamond")
    claim(claimant, room=1)
    text = page(ada, f"/jobs/{job.pk}/")
    assert text.count("waits for top") == 2
    assert "waits for left, right" in text
    cancel(job.pk)


def test_body_says_what_this_viewer_may_do(login, job):
    text = page(login("view_job"), f"/jobs/{job.pk}/")
    assert 'data-can="view"' in text
    assert "Cancel this job" not in text


def test_parameters_are_shown_escaped_and_not_too_long(ada, database):
    job = launch("waits", {"gate": "<b>" + "x" * 10_000})
    text = page(ada, f"/jobs/{job.pk}/")
    assert "&lt;b&gt;xxx" in text
    assert "x" * 1000 not in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["noop", "fails"]),
        ("?status=failed", ["fails"]),
        ("?status=pending&definition=noop", ["noop"]),
        ("?definition=noop&status=failed", []),
        ("?status=skipped", []),
        ("?definition=" + "x" * 200, []),
        ("?page=99", ["noop", "fails"]),
    ],
)
def test_the_list_shows_what_was_asked_for_newest_first(ada, job, query, found):
    launch("noop")
    assert re.findall(r'<td><a href="/jobs/\d+/">(\w+)</a>', page(ada, "/" + query)) == found


def test_the_list_is_in_pages(ada, database):
    for _ in range(51):
        launch("noop")
    newest = page(ada, "/")
    assert newest.count("<tr id=") == 50
    (older,) = re.findall(r'href="(\?before=\d+)" rel="next"', newest)
    oldest = page(ada, f"/{older}")
    assert oldest.count("<tr id=") == 1
    assert "Older" not in oldest


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?before=9999999999999999999"])
def test_a_position_that_means_nothing_is_not_found(ada, database, query):
    assert ada.get(f"/{query}").status_code == 404


# --- actions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/launch/", "/launch/noop/"])
def test_a_page_makes_no_instance_of_a_definition(ada, database, monkeypatch, path):
    """Django's templates call what can be called, also a class."""
    monkeypatch.setattr(Noop, "__init__", lambda self: pytest.fail("it was made"))
    assert "noop" in ada.get(path).text


def test_a_launch_leads_to_its_job(ada, database):
    response = ada.post("/launch/waits/", {"gate": "/tmp/gate", "unknown": "x"})
    job = Job.objects.get()
    assert (response.status_code, response.url) == (302, f"/jobs/{job.pk}/")
    assert job.params == {"gate": ["/tmp/gate"]}
    birth = job.journal.get()
    assert (birth.actor, birth.source) == ("ada", "page")


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("/launch/waits/", {}, "This field is required."),
        ("/launch/chatters/", {"lines": "<b>"}, "Enter a whole number."),
        ("/launch/particular/", {}, "not for ada from page"),
    ],
)
def test_an_invalid_launch_redisplays_the_form(ada, database, path, values, words):
    response = ada.post(path, values)
    assert response.status_code == 200
    assert words in response.text
    assert "<b>" not in response.text
    assert not Job.objects.exists()


@pytest.mark.slow
def test_a_definition_with_its_own_permission_is_hidden_and_refused(login, database):
    client = login("launch_job")
    assert "run_command" not in page(client, "/launch/")
    assert client.get("/launch/run_command/").status_code == 403
    assert client.post("/launch/run_command/", {"command": "ls"}).status_code == 403
    assert not Job.objects.exists()


def test_a_cancel_carries_the_name_of_the_user(ada, database):
    job = launch("noop")
    response = ada.post(f"/jobs/{job.pk}/cancel/")
    assert (response.status_code, response.url) == (302, f"/jobs/{job.pk}/")
    assert job_of(job.pk).status == "cancelled"
    request = job.journal.get(kind="request")
    assert (request.actor, request.source) == ("ada", "page")


def test_a_late_cancel_from_the_page_says_so_and_is_noted(ada, job):
    seq, status = job_of(job.pk).seq, job_of(job.pk).status
    response = ada.post(f"/jobs/{job.pk}/cancel/", follow=True)
    assert "Nothing to cancel" in response.text
    assert (job_of(job.pk).seq, job_of(job.pk).status) == (seq + 1, status)


@pytest.mark.parametrize(
    ("sent", "steps", "reason"),
    [
        ({}, {"bad": "pending", "after_bad": "pending"}, "retry"),
        ({"step": "bad"}, {"bad": "pending", "after_bad": "pending"}, "retry"),
        ({"step": "after_bad", "why": " fixed "}, {"bad": "pending"}, "retry: fixed"),
    ],
)
def test_a_retry_carries_the_name_of_the_user(ada, job, sent, steps, reason):
    response = ada.post(f"/jobs/{job.pk}/retry/", sent)
    assert (response.status_code, response.url) == (302, f"/jobs/{job.pk}/")
    assert job_of(job.pk).status == "pending"
    assert steps.items() <= statuses(job).items()
    request = job.journal.get(kind="request")
    assert (request.actor, request.source, request.reason) == ("ada", "page", reason)


@pytest.mark.parametrize("sent", [{"step": "fine"}, {}])
def test_a_retry_of_a_step_that_has_not_failed_says_so_and_is_noted(ada, claimant, job, sent):
    if not sent:
        job = drive(claimant, launch("noop"))
    status = job_of(job.pk).status
    response = ada.post(f"/jobs/{job.pk}/retry/", sent, follow=True)
    assert "Nothing to retry" in response.text
    assert job_of(job.pk).status == status
    note = job.journal.get(kind="note")
    assert (note.actor, note.reason.partition(";")[0]) == ("ada", "asked to retry")


@pytest.mark.parametrize("step", ["nothing", "a\0b", "<b>", "x" * 10_000])
def test_a_retry_of_a_step_that_is_not_there_is_not_found(ada, job, step):
    before = rows()
    assert ada.post(f"/jobs/{job.pk}/retry/", {"step": step}).status_code == 404
    assert rows() == before


def test_any_text_may_be_the_reason(ada, job):
    ada.post(f"/jobs/{job.pk}/retry/", {"why": "<b>\x1b[31m\0" + "x" * 10_000})
    text = page(ada, f"/jobs/{job.pk}/")
    assert "&lt;b&gt;␛[31m␀xxx" in text
    assert len(job.journal.get(kind="request").reason) == 500


def test_a_job_is_launched_again_with_the_same_or_other_parameters(ada, claimant):
    old = launch("chatters", {"lines": "7", "gate": "/gate"})
    form = page(ada, f"/launch/chatters/?again={old.pk}")
    assert 'value="7"' in form
    assert 'value="/gate"' in form
    assert f'action="?again={old.pk}&amp;sent=1"' in form
    sent = {"lines": "8", "gate": "", "why": "more lines"}
    response = ada.post(f"/launch/chatters/?again={old.pk}", sent)
    new = Job.objects.latest("pk")
    assert response.url == f"/jobs/{new.pk}/"
    assert (new.again_of, new.params["lines"]) == (old, ["8"])
    assert new.journal.get().reason == f"launched again, after job {old.pk}: more lines"


def test_parameters_that_do_not_fit_any_more_are_shown_as_such(ada, claimant):
    """The definition has changed since the old job was launched by an older release."""
    old = launch("chatters", {"lines": "7"})
    texts = {"lines": ["many"], "colour": ["red"]}
    Job.objects.filter(pk=old.pk).update(params=texts, understood=None)
    path = f"/launch/chatters/?again={old.pk}"
    for text in (page(ada, path), ada.post(path, {"lines": "many"}).text):
        assert "Enter a whole number." in text
        assert "cannot be filled in: colour, which is no longer a parameter." in text
    assert Job.objects.count() == 1


def test_a_removed_definition_cannot_be_launched_again(ada, claimant):
    old = launch("noop")
    Job.objects.filter(pk=old.pk).update(definition="bygone")
    assert "Launch again" not in page(ada, f"/jobs/{old.pk}/")
    response = ada.get(f"/launch/bygone/?again={old.pk}", follow=True)
    assert "no installed app defines bygone" in response.text
    assert response.redirect_chain[-1][0] == f"/jobs/{old.pk}/"
    assert Job.objects.count() == 1


def test_a_parameter_named_like_one_of_ours_keeps_its_name(ada, claimant):
    old = launch("asks_why", {"why": "because", "again": "yes"})
    form = page(ada, f"/launch/asks_why/?again={old.pk}")
    assert 'id="truestep-why"' not in form
    ada.post("/launch/asks_why/", {"why": "so", "again": "5"})
    new = Job.objects.latest("pk")
    assert (new.again_of, new.params) == (None, {"why": ["so"], "again": ["5"]})


# --- logs -----------------------------------------------------------------------------------------


def test_a_log_is_downloaded_whole_as_plain_text(ada, claimant):
    job = launch("noop")
    for verdict, lines in (
        (Verdict.HANDED_BACK, ["<b>one</b>", "zwei ✔"]),
        (Verdict.FAILED, ["three"]),
    ):
        [held] = claim(claimant, room=1)
        book = LogBook(held, 1000)
        for line in lines:
            book.add(line)
        book.write()
        finish(claimant, held, ended(verdict), room=0)
    path = f"/jobs/{job.pk}/steps/one/log"
    response = ada.get(path)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response).decode() == "<b>one</b>\nzwei ✔\nthree\n"
    assert page(ada, path + "?attempt=2") == "three\n"
    assert page(ada, path + "?attempt=3") == ""
    assert page(ada, f"/jobs/{job.pk}/steps/two/log") == ""
    assert step_of(job, "one").log_lines == 3


def test_the_text_as_it_was_said_is_a_file(ada, claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    write_log(held, ["10%\r20%", "\x1b[31mred\x1b[0m"])
    path = f"/jobs/{job.pk}/steps/one/log"
    assert page(ada, path) == "20%\nred\n"
    response = ada.get(path + "?raw=1&attempt=1")
    assert response.getvalue() == b"10%\r20%\n\x1b[31mred\x1b[0m\n"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    name = f"job-{job.pk}-one-attempt-1.log"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.fixture
def logged(claimant):
    """A job of which two steps have logged something."""
    job = launch("bounded")
    for held in claim(claimant, room=2):
        book = LogBook(held, 10**6)
        for text, level in ((f"{held.name} <begins>", "i"), ("\x1b[31mslow\x1b[0m", "w")):
            book.add(text, level)
        book.write()
    return job_of(job.pk)


def test_lines_are_found_in_all_logs_of_a_job(ada, logged):
    first, second = logged.steps.filter(log_lines__gt=0).order_by("position")
    path = f"/jobs/{logged.pk}/log/"
    answer = ada.get(f"{path}?q=BEGINS&numbers=1").json()
    assert answer == {
        "searched": 4,
        "count": 2,
        "hits": [
            {"step": step.pk, "name": step.name, "from": 0, "lines": [1]}
            for step in (first, second)
        ],
        "next": None,
    }
    answer = ada.get(f"{path}?level=warning&step={second.name}&numbers=1").json()
    assert [(hit["step"], hit["lines"]) for hit in answer["hits"]] == [(second.pk, [2])]
    text = page(ada, f"{path}?q=begins")
    assert f'href="/jobs/{logged.pk}/?from=0#{first.name}:L1"' in text
    assert f"<span>{first.name} &lt;begins&gt;</span>" in text
    assert '<span><span class="fg-1">slow</span></span>' in page(ada, f"{path}?level=warning")
    assert "No line." in page(ada, f"{path}?q=nothing")
    assert "Say what to look for" in page(ada, path)


def test_many_lines_that_are_found_are_on_several_pages(ada, logged, monkeypatch):
    monkeypatch.setattr(views.logs, "MOST_LISTED", 3)
    second = logged.steps.filter(log_lines__gt=0).order_by("position")[1]
    path = f"/jobs/{logged.pk}/log/?level=info"
    text = page(ada, path)
    assert text.count("<li data-level") == 3
    assert f"Go on from {second.name}:2" in text
    text = page(ada, f"{path}&at={second.name}:2")
    assert text.count("<li data-level") == 1
    assert "Go on" not in text


def test_a_script_gets_so_many_numbers_at_most_and_their_count(ada, logged, monkeypatch):
    monkeypatch.setattr(views.logs, "MOST_SENT", 1)
    answer = ada.get(f"/jobs/{logged.pk}/log/?level=info&numbers=1").json()
    assert answer["count"] == 4
    assert [hit["lines"] for hit in answer["hits"]] == [[1], [1]]


def test_a_step_says_how_many_warnings_and_errors_it_has_logged(ada, logged):
    step = logged.steps.filter(log_lines__gt=0).order_by("position")[0]
    text = " ".join(page(ada, f"/jobs/{logged.pk}/").split())
    link = f'href="/jobs/{logged.pk}/log/?level=warning&amp;step={step.name}" >1 warning</a>'
    assert link in text
    assert "level=warning&amp;step=" in text


async def test_a_server_does_not_hold_a_whole_log_in_memory(ada, database, monkeypatch):
    """Under ASGI, Django would make a list of a synchronous stream before it sends anything."""
    read = []

    def lines(step_id, attempt=None, raw=False):
        for number in range(3):
            read.append(number)
            yield f"{number}\n"

    monkeypatch.setattr(views.logs.logs, "text_of", lines)
    job = await sync_to_async(launch)("noop")
    reader = AsyncClient()
    reader.cookies = ada.cookies
    response = await reader.get(f"/jobs/{job.pk}/steps/one/log")
    taken = []
    async for piece in response:
        taken.append(piece)
        assert len(read) == len(taken)
    assert b"".join(taken) == b"0\n1\n2\n"
