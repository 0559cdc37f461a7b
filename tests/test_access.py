"""The permission matrix: every URL, admin route and socket, for every kind of user."""

from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver, resolve

from jobs.live.routing import websocket_urlpatterns
from jobs.models import Attempt, Job, Order, Queue, Step, Transition, Worker
from jobs.orchestrator import launch, pause_queue
from jobs.statuses import Verdict
from tests.support import drive, ended, rows
from tests.support.sockets import socket

pytestmark = pytest.mark.either

# Who they are, and the permissions that make them so.
PEOPLE = {
    "anonymous": None,
    "viewer": {"view_job"},
    "reader": {"view_job", "view_log"},
    "launcher": {"launch_job"},
    "controller": {"control_job"},
    "operator": {"control_queue", "control_worker"},
    "staff": set(),
    "superuser": set(),
    "deactivated": set(),
}

# What each is answered; "login" is a redirect to a login. run_command asks for a permission of its
# own.
PAGES = """
                                    anonymous viewer reader launcher controller operator staff superuser deactivated
GET  /                              login     200    200    403      403        403      403   200       login
GET  /?before=1&status=failed       login     200    200    403      403        403      403   200       login
GET  /jobs/{job}/                   login     200    200    403      403        403      403   200       login
GET  /jobs/{job}/steps/bad/log      login     403    200    403      403        403      403   200       login
GET  /jobs/{job}/log/                login     403    200    403      403        403      403   200       login
GET  /jobs/{job}/steps/bad/stack    login     403    403    403      403        403      403   200       login
POST /jobs/{job}/steps/bad/stack    login     403    403    403      403        403      403   302       login
GET  /workers/                      login     200    200    403      403        403      403   200       login
POST /queues/gpu/pause/             login     403    403    403      403        302      403   302       login
POST /queues/gpu/resume/            login     403    403    403      403        302      403   302       login
POST /workers/{worker}/drain/       login     403    403    403      403        302      403   302       login
POST /workers/{worker}/resume/      login     403    403    403      403        302      403   302       login
POST /workers/{worker}/stop/        login     403    403    403      403        302      403   302       login
GET  /launch/                       login     403    403    200      403        403      403   200       login
GET  /launch/noop/                  login     403    403    200      403        403      403   200       login
POST /launch/noop/                  login     403    403    302      403        403      403   302       login
GET  /launch/run_command/           login     403    403    403      403        403      403   200       login
POST /launch/run_command/           login     403    403    403      403        403      403   200       login
POST /jobs/{job}/cancel/            login     403    403    403      302        403      403   302       login
POST /jobs/{job}/retry/             login     403    403    403      302        403      403   302       login
GET  /launch/fails/?again={job}     login     403    403    403      403        403      403   200       login
POST /launch/fails/?again={job}     login     403    403    403      403        403      403   302       login
GET  /live-0123456789ab.js          200       200    200    200      200        200      200   200       200
GET  /healthz                       200       200    200    200      200        200      200   200       200
GET  /readyz                        200       200    200    200      200        200      200   200       200
GET  /metrics                       404       404    404    404      404        404      404   404       404
GET  /favicon.ico                   302       302    302    302      302        302      302   302       302
GET  /accounts/login/               200       200    200    200      200        200      200   200       200
POST /accounts/logout/              302       302    302    302      302        302      302   302       302
GET  /accounts/password_change/     login     200    200    200      200        200      200   200       login
GET  /accounts/password_change/done/ login     200    200    200      200        200      200   200       login
GET  /admin/                        login     login  login  login    login      login    200   200       login
GET  /admin/login/                  200       200    200    200      200        200      302   302       200
POST /admin/logout/                 302       302    302    302      302        302      302   302       302
GET  /admin/password_change/        login     login  login  login    login      login    200   200       login
GET  /admin/password_change/done/   login     login  login  login    login      login    200   200       login
GET  /admin/autocomplete/           login     login  login  login    login      login    403   403       login
GET  /admin/jsi18n/                 login     login  login  login    login      login    200   200       login
GET  /admin/r/{type}/{job}/         login     login  login  login    login      login    404   404       login
GET  /admin/truestep/               login     login  login  login    login      login    404   200       login
GET  /admin/nothing/                login     login  login  login    login      login    404   404       login
"""  # noqa: E501

# What a superuser is answered by hand-made requests, and the actions offered. All others in
# the staff needs Django's permission for the model, and who is not in the staff goes to the login.
ADMIN = """
                       list add change delete history actions
truestep.job           200  403 200    403    200     cancel,retry
truestep.step          200  403 200    403    200     -
truestep.attempt       200  403 200    403    200     -
truestep.transition    200  403 200    403    200     -
truestep.order         200  403 200    403    200     -
truestep.queue         200  403 200    403    200     pause,resume
truestep.worker        200  403 200    403    200     drain,resume,stop
auth.user              200  200 200    200    200     delete_selected
auth.group             200  200 200    200    200     delete_selected
axes.accessattempt     200  403 200    200    200     cleanup_expired_attempts,delete_selected
axes.accesslog         200  403 200    200    200     delete_selected
axes.accessfailurelog  200  403 200    200    200     delete_selected
"""
OURS = [Job, Step, Attempt, Transition, Order, Queue, Worker]

# The code that a socket is closed with; 0 means that it stays open and gets its position.
SOCKETS = """
                    anonymous viewer reader launcher controller operator staff superuser deactivated
/ws/jobs/           4401      0      0      4403     4403       4403     4403  0         4401
/ws/jobs/?ids={job} 4401      0      0      4403     4403       4403     4403  0         4401
/ws/jobs/{job}/     4401      0      0      4403     4403       4403     4403  0         4401
/ws/jobs/?fleet     4401      0      0      4403     4403       4403     4403  0         4401
/ws/jobs/999999/    4401      4404   4404   4403     4403       4403     4403  4404      4401
"""


def table(text, key_words=1):
    """{row: {column: cell}}; a row's name is its first word or words."""
    head, *lines = [line.split() for line in text.strip().splitlines()]
    return {
        " ".join(line[:key_words]): dict(zip(head, line[key_words:], strict=True)) for line in lines
    }


@pytest.fixture
def people(database):
    """A client factory: ``people(name)`` has a fresh login."""
    users = {}
    for name, permissions in PEOPLE.items():
        if permissions is not None:
            users[name] = user = User.objects.create_user(name)
            user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
            user.is_staff = name in ("staff", "superuser", "deactivated")
            user.is_superuser = name in ("superuser", "deactivated")
            user.save()

    def log_in(name):
        client = Client()
        if name in users:
            client.force_login(users[name])
            if name == "deactivated":
                User.objects.filter(username=name).update(is_active=False)
        return client

    return log_in


@pytest.fixture
def job(claimant):
    return drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED, "for a test"))


def answer(client, method, path):
    response = getattr(client, method.lower())(path)
    if response.status_code == 302 and "/login/?next=" in response.url:
        return "login"
    return str(response.status_code)


def routes(patterns=None, before=""):
    """Every route of the project, as its parts are written."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, route)
        else:
            yield route


def admin_paths(model):
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}"
    row = model._default_manager.latest("pk")
    return {
        "list": f"{base}/",
        "add": f"{base}/add/",
        "change": f"{base}/{row.pk}/change/",
        "delete": f"{base}/{row.pk}/delete/",
        "history": f"{base}/{row.pk}/history/",
    }


@pytest.fixture
def registered(people, job):
    """The models of the admin by label, each with a row."""
    Group.objects.create(name="a group")
    pause_queue("gpu")
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        more = {"failures_since_start": 1} if model is AccessAttempt else {}
        model.objects.create(username="eve", ip_address="127.0.0.1", **more)
    return {model._meta.label_lower: model for model in admin.site._registry}


def test_every_route_has_a_row(registered, job):
    paths = [row.split()[1].format(job=job.pk, type=1, worker=1) for row in table(PAGES, 2)]
    for model in registered.values():
        paths += admin_paths(model).values()
    covered = {resolve(path.partition("?")[0]).route for path in paths}
    # Two that are no page of their own: the old address of a change page, which redirects to it,
    # and the form for a user's password, which asks for the permission to change the user.
    others = {f"admin/{label.replace('.', '/')}/<path:object_id>/" for label in registered}
    others.add("admin/auth/user/<id>/password/")
    assert set(routes()) - covered == others


@pytest.mark.slow
def test_every_page_answers_as_the_table_says(people, job):
    expected, worker = table(PAGES, 2), Worker.objects.get().pk
    tried = {
        row: {
            name: answer(people(name), *row.format(job=job.pk, type=10**6, worker=worker).split())
            for name in PEOPLE
        }
        for row in expected
    }
    assert tried == expected


@pytest.mark.slow
def test_what_is_refused_writes_nothing(people, job):
    before = rows()
    for row, cells in table(PAGES, 2).items():
        for name, cell in cells.items():
            if cell in ("login", "403"):
                answer(people(name), *row.format(job=job.pk, type=1, worker=1).split())
    assert rows() == before


def test_the_admin_answers_as_the_table_says(people, registered):
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="superuser")
    tried = {}
    for label, model in registered.items():
        client = people("superuser")
        tried[label] = {
            view: answer(client, "get", path) for view, path in admin_paths(model).items()
        }
        actions = sorted(admin.site._registry[model].get_actions(request))
        tried[label]["actions"] = ",".join(actions) or "-"
    assert tried == table(ADMIN)


@pytest.mark.slow
def test_the_admin_refuses_every_model_without_permission(people, registered):
    for name in PEOPLE.keys() - {"superuser"}:
        client = people(name)
        expected = {"403"} if name == "staff" else {"login"}
        for model in registered.values():
            paths = [*admin_paths(model).values()]
            for method in ("get", "post"):
                answers = {answer(client, method, path) for path in paths}
                assert answers == expected, (name, model, method)
    user = User.objects.get(username="viewer")
    assert answer(people("staff"), "get", f"/admin/auth/user/{user.pk}/password/") == "403"


def test_a_post_made_by_hand_changes_no_row_of_ours(people, registered):
    before = rows()
    client = people("superuser")
    forged = {"status": "succeeded", "seq": 99, "post": "yes", "_save": "Save"}
    for model in OURS:
        paths = admin_paths(model)
        for view in ("add", "change", "delete"):
            assert client.post(paths[view], forged).status_code == 403, (model, view)
        client.post(paths["list"], {"action": "delete_selected", "_selected_action": [1]})
    assert rows() == before


def test_every_socket_has_a_row():
    covered = {
        pattern.pattern.regex.pattern
        for row in table(SOCKETS)
        for pattern in websocket_urlpatterns
        if pattern.resolve(row.partition("?")[0].format(job=1)[1:])
    }
    assert covered == {pattern.pattern.regex.pattern for pattern in websocket_urlpatterns}


async def test_every_socket_answers_as_the_table_says(people, job):
    expected = table(SOCKETS)
    tried = {}
    for row in expected:
        tried[row] = {}
        for name in PEOPLE:
            place, _, query = row.format(job=job.pk).removeprefix("/ws/jobs/").partition("?")
            client = await sync_to_async(people)(name)
            async with socket(place.strip("/"), client, query and f"?{query}") as page:
                event = await page.receive_output(5)
                tried[row][name] = str(event.get("code", 0))
    assert tried == expected


async def test_any_other_socket_is_refused(people):
    client = await sync_to_async(people)("superuser")
    async with socket("1/nothing", client) as refused:
        assert refused is None


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/{big}/",
        "/jobs/{huge}/",
        "/jobs/{big}/steps/bad/log",
        "/jobs/{job}/steps/..%2F..%2Fetc%2Fpasswd/log",
        "/jobs/{job}/steps/../../../etc/passwd/log",
        "/jobs/{job}/steps/bad%00/log",
        "/jobs/{job}/steps/one/log",  # another job's step
        "/jobs/{job}/steps/bad/log?attempt=x",
        "/jobs/{job}/steps/bad/log?attempt=-1",
        "/jobs/{job}/steps/bad/log?attempt={big}",
        "/jobs/{job}/steps/bad/log?attempt={huge}",
        "/?before={big}",
        "/?before=x",
        "/launch/fails/?again=x",
        "/launch/fails/?again={big}",
        "/launch/fails/?again=999999",
        "/launch/noop/?again={job}",  # another definition's
    ],
)
def test_what_cannot_be_there_is_404(people, job, path):
    launch("noop")
    path = path.format(job=job.pk, big=2**64, huge="9" * 5000)
    assert people("superuser").get(path).status_code == 404


def test_huge_ids_elsewhere(people, job):
    client = people("superuser")
    for number in (2**64, "9" * 5000):
        assert client.post(f"/jobs/{number}/cancel/").status_code == 404
        assert client.post(f"/jobs/{number}/retry/").status_code == 404
        assert client.get(f"/admin/truestep/job/{number}/change/").status_code in (302, 404)


# --- the login ------------------------------------------------------------------------------------


@pytest.fixture
def ada(database):
    return User.objects.create_superuser("ada", password="right")


def attempt(path="/accounts/login/", password="wrong", address="10.0.0.1", **headers):
    form = {"username": "ada", "password": password}
    return Client(REMOTE_ADDR=address).post(path, form, headers=headers or None)


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_the_fifth_failure_begins_a_pause(ada, path):
    assert [attempt(path).status_code for _ in range(5)] == [200] * 4 + [429]
    refused = attempt(path, "right")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "300"
    assert "Wait 5 minutes" in refused.text
    assert attempt(path, "right", "10.0.0.2").status_code == 302, "from elsewhere it works"
    AccessAttempt.objects.update(attempt_time="2020-01-01T00:00Z")
    assert attempt(path, "right").status_code == 302, "and here after the pause"


def test_a_login_forgets_the_failures_before_it(ada):
    for _ in range(2):
        assert [attempt().status_code for _ in range(4)] == [200] * 4
        assert attempt(password="right").status_code == 302


@pytest.mark.parametrize("proxies", [0, 1])
def test_an_address_is_believed_only_of_a_configured_proxy(ada, settings, proxies):
    settings.PROXIES = proxies
    said = {"x-forwarded-for": "1.1.1.1, 2.2.2.2"}
    for _ in range(5):
        attempt(**said)
    assert AccessAttempt.objects.get().ip_address == ("2.2.2.2" if proxies else "10.0.0.1")
    forged = {"x-forwarded-for": "not an address"}
    assert attempt(**forged).status_code == (200 if proxies else 429)


# --- pages for what went wrong --------------------------------------------------------------------


def test_an_error_says_so_without_a_context(people, monkeypatch):
    client = people("superuser")
    client.raise_request_exception = False
    monkeypatch.setattr(
        "jobs.views.pages.ListWindow.page", lambda window: SimpleNamespace().nothing
    )
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
