"""Transactions, routers and databases as ordinary projects set them."""

from __future__ import annotations

import ast
import sqlite3
import time
from contextlib import closing

import pytest
from django.db import connection, connections, router, transaction
from django.http import HttpResponse

from jobs import checks
from jobs.database.sqlite import SQLite
from jobs.exceptions import InsideTransaction
from jobs.models import Attempt, Job, Worker
from jobs.orchestrator import cancel, launch
from tests.faults.visitor import Visitor
from tests.faults.websocket import RawSocket
from tests.support import ROOT, drive, ended, job_of, program, rows, step_of, wait_for
from tests.support.rows import admin_url

REPLICA = "tests.faults.routers.ReadsFromReplica"
OURS = "jobs.database.routing.Router"


# --- transactions that the project opens ----------------------------------------------------------


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def failed(claimant):
    return drive(claimant, launch("fails"), lambda held: ended("failed"))


def test_pages_and_actions_work_with_atomic_requests(ada, claimant, atomic_requests):
    made = ada.post("/launch/fails/")
    job = Job.objects.get()
    assert made.url == f"/jobs/{job.pk}/"
    assert ada.post(f"/jobs/{job.pk}/cancel/").status_code == 302
    assert job_of(job.pk).status == "cancelled"
    assert ada.post(f"/jobs/{job.pk}/retry/").status_code == 302
    assert job_of(job.pk).status == "pending"
    for action, status in (("cancel", "cancelled"), ("retry", "pending")):
        chosen = {"action": action, "_selected_action": [job.pk]}
        assert ada.post(admin_url(Job), chosen, follow=True).status_code == 200
        assert job_of(job.pk).status == status


@pytest.mark.parametrize(
    "path", ["/", "/jobs/{job}/", "/launch/", "/launch/fails/", "/admin/truestep/job/"]
)
def test_no_page_is_read_in_a_transaction_of_its_request(ada, claimant, atomic_requests, path):
    """On SQLite it would wait for the step that writes, and on PostgreSQL be no snapshot."""
    path = path.format(job=failed(claimant).pk)
    began = []
    with connection.execute_wrapper(
        lambda execute, *call: (began.append(connection.in_atomic_block), execute(*call))[1]
    ):
        assert ada.get(path).status_code == 200
    some = all if connection.vendor == "postgresql" else any  # there, a snapshot is a transaction
    assert began and not some(began)


class OpensATransaction:
    """A middleware as some projects have it."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request) -> HttpResponse:
        with transaction.atomic():
            return self.get_response(request)


def test_an_action_inside_a_transaction_is_refused_with_the_reason(ada, claimant, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{OpensATransaction.__name__}"]
    job = failed(claimant)
    before = rows()
    for path in (f"/jobs/{job.pk}/cancel/", f"/jobs/{job.pk}/retry/"):
        answer = ada.post(path, follow=True)
        assert answer.status_code == 200
        assert "A transaction is open on the database &#x27;default&#x27;" in answer.text
        assert "middleware" in answer.text
    chosen = {"action": "retry", "_selected_action": [job.pk]}
    assert "A transaction is open" in ada.post(admin_url(Job), chosen, follow=True).text
    assert rows() == before
    assert ada.post("/launch/fails/", follow=True).status_code == 200
    assert Job.objects.count() == 2


def test_a_write_without_autocommit_is_refused(claimant):
    job = launch("noop")
    transaction.set_autocommit(False)
    try:
        for act in (lambda: cancel(job.pk), lambda: launch("noop")):
            with pytest.raises(InsideTransaction, match="'default'"):
                act()
            transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert job_of(job.pk).status == "pending"
    assert Job.objects.count() == 1


# --- where the rows are ---------------------------------------------------------------------------


def test_the_projects_routers_are_not_asked_about_truesteps_rows(claimant, settings):
    settings.DATABASE_ROUTERS = [REPLICA]
    assert router.db_for_read(Job) == router.db_for_write(Job) == "default"
    assert drive(claimant, launch("noop")).status == "succeeded"
    assert [type(each).__name__ for each in router.routers] == ["Router", "ReadsFromReplica"]


def test_truesteps_tables_are_in_its_database_alone(settings):
    for using in ("default", "replica"):
        assert router.allow_migrate(using, "truestep") is (using == "default")
        assert router.allow_migrate(using, "auth")


def test_the_check_names_what_is_wrong_with_the_database(settings, monkeypatch):
    monkeypatch.setattr(router, "routers", [*map(_made, (REPLICA, OURS))])
    its = connections["default"].settings_dict
    monkeypatch.setitem(its, "AUTOCOMMIT", False)
    unlike = {"transaction_mode": "DEFERRED", "init_command": "PRAGMA journal_mode=DELETE"}
    monkeypatch.setitem(its, "OPTIONS", unlike if connection.vendor == "sqlite" else {})
    monkeypatch.setitem(its, "TIME_ZONE", "Europe/Berlin")
    is_sqlite = connection.vendor == "sqlite"
    wanted = ["E011", *(["E012"] if is_sqlite else []), "E013", *(["E014"] if is_sqlite else [])]
    found = {error.id: error.msg for error in checks.check_database()}
    assert sorted(found) == [f"truestep.{number}" for number in wanted]
    assert "DATABASES['default']['AUTOCOMMIT'] is False" in found["truestep.E011"]
    assert f"Put '{OURS}' first in DATABASE_ROUTERS" in found["truestep.E013"]
    if is_sqlite:
        assert "DATABASES['default']['TIME_ZONE'] is 'Europe/Berlin'" in found["truestep.E014"]
        assert (
            "lacks the transaction mode IMMEDIATE and PRAGMA journal_mode=WAL"
            in (found["truestep.E012"])
        )
        assert "Set its ENGINE to 'jobs.backends.sqlite'" in found["truestep.E012"]
    monkeypatch.setattr(type(connections["default"]), "vendor", "oracle")
    assert "truestep.E010" in [error.id for error in checks.check_database()]


def _made(path):
    from django.utils.module_loading import import_string

    return import_string(path)()


def test_an_unknown_alias_is_refused_by_name(settings):
    settings.TRUESTEP = {"database": "elsewhere"}
    [error] = checks.check_knobs()
    assert "TRUESTEP['database'] is 'elsewhere'" in error.msg and "default" in error.msg
    assert checks.check_database() == []


# --- a whole project ------------------------------------------------------------------------------

PROJECT = {"DJANGO_SETTINGS_MODULE": "tests.faults.two_databases_settings"}


def run(*arguments: str, env: dict[str, str]) -> list[str]:
    """What a command prints; it succeeds."""
    with program(*arguments, env=env) as command:
        assert command.wait(60) == 0, command.errors
        return command.lines


def tables_and_triggers(path) -> set[str]:
    with closing(sqlite3.connect(path)) as file:
        return {name for (name,) in file.execute("SELECT name FROM sqlite_master")}


@pytest.fixture(params=[pytest.param("together", marks=pytest.mark.full), "apart"])
def project(request, database, tmp_path):
    """The environment of a project with one user, ada."""
    ada = {f"DJANGO_SUPERUSER_{key}": "ada" for key in ("USERNAME", "PASSWORD")}
    env = PROJECT | ada | {"DJANGO_SUPERUSER_EMAIL": "ada@example.com", "TEST_LEASE": "1.5"}
    if request.param == "apart":
        env |= {"TEST_PROJECT": str(tmp_path / "project.sqlite3")}
        run("migrate", "--verbosity", "0", env=env)
        made = tables_and_triggers(tmp_path / "project.sqlite3")
        assert "auth_user" in made and not any("truestep" in name for name in made)
    run("createsuperuser", "--noinput", env=env)
    return env


@pytest.mark.slow
@pytest.mark.either
def test_everything_works_while_the_replica_is_dead(project, serving):
    with serving(env=project) as site:
        visitor = Visitor(site.url)
        visitor.log_in("ada", "ada")
        visitor.post("/launch/fails/")
        job = Job.objects.get()
        assert visitor.path == f"/jobs/{job.pk}/"
        with closing(RawSocket(site.url, f"/ws/jobs/{job.pk}/?seq=0&tag=", visitor.session)) as tab:
            wait_for(lambda: job_of(job.pk).status == "failed")
            wait_for(lambda: b'data-status=\\"failed\\"' in tab.next()[1])
        assert "such luck" in visitor.get(f"/jobs/{job.pk}/")
        visitor.post(f"/jobs/{job.pk}/retry/", step="bad")
        wait_for(lambda: step_of(job, "bad").attempt == 2 and job_of(job.pk).status == "failed")
        visitor.post("/admin/truestep/job/", action="retry", _selected_action=str(job.pk))
        wait_for(lambda: step_of(job, "bad").attempt == 3 and job_of(job.pk).status == "failed")
        for model in ("job", "step", "attempt", "transition", "worker"):
            assert visitor.get(f"/admin/truestep/{model}/")
        assert visitor.get(f"/admin/truestep/job/{job.pk}/change/")
        held = run("launch", "hangs", "--detach", env=project)[0]
        wait_for(lambda: "hanging" in visitor.get(f"/jobs/{held}/steps/hang/log"))
        visitor.post(f"/jobs/{held}/cancel/")
        wait_for(lambda: job_of(int(held)).status == "cancelled")
        assert f"fails #{job.pk}" in run("show", str(job.pk), env=project)[0]
        run("launch", "noop", "--json", env=project)
        [line] = run("audit", env=project)
        assert line.startswith("clean: 3 jobs")
    assert Worker.objects.count() == 1, "the worker took itself for dead"


@pytest.mark.slow
@pytest.mark.either
@pytest.mark.parametrize("project", ["apart"], indirect=True)
def test_a_lock_on_the_projects_database_delays_nothing(project, serving, tmp_path):
    """Its own rows are elsewhere: no beat, page, log line or other step waits for its lock."""
    gate = tmp_path / "gate"
    with serving(env=project) as site:
        visitor = Visitor(site.url)
        visitor.log_in("ada", "ada")
        visitor.post("/launch/holds_the_project/", gate=str(gate))
        job = Job.objects.get()
        wait_for(lambda: step_of(job, "hold").log_lines == 1)
        over = time.monotonic() + 3 * float(project["TEST_LEASE"])
        while time.monotonic() < over:
            began = time.monotonic()
            visitor.post("/launch/noop/")
            other = Job.objects.latest("pk")
            wait_for(lambda pk=other.pk: job_of(pk).status == "succeeded")
            assert "running" in visitor.get(f"/jobs/{job.pk}/")
            visitor.post(f"/jobs/{other.pk}/retry/")
            assert time.monotonic() < began + 5
        assert step_of(job, "hold").status == "running"
        gate.touch()
        wait_for(lambda: job_of(job.pk).status == "succeeded")
    assert set(job.steps.values_list("attempt", flat=True)) == {1}
    assert Attempt.objects.get(step__job=job, step__name="after_hold").result == 1


@pytest.fixture
def fresh(tmp_path):
    """The environment of a project whose databases are not made yet; ``rows`` is Truestep's."""
    files = {"TEST_PROJECT": "project.sqlite3", "TEST_ROWS": "rows.sqlite3"}
    return PROJECT | {key: str(tmp_path / name) for key, name in files.items()}


@pytest.mark.slow
@pytest.mark.sqlite
def test_migrate_and_launch_use_the_database_that_is_named(fresh):
    with program("audit", env=fresh) as early:
        assert early.wait(60) == 2
        assert "python manage.py migrate truestep --database=jobs" in " ".join(early.errors)
    run("migrate", "truestep", "--database=jobs", "--verbosity", "0", env=fresh)
    made = tables_and_triggers(fresh["TEST_ROWS"])
    assert {"truestep_job", *(rule.name for rule in SQLite.rules)} <= made
    assert "auth_user" not in made
    run("shell", "-c", ROLLED_BACK, env=fresh)
    [line] = run("audit", env=fresh)
    assert line.startswith("clean: 1 jobs"), (
        "a launch joins a transaction on its own database alone"
    )


# What is launched in a transaction of the project is there although that is rolled back.
ROLLED_BACK = """
from django.db import transaction
from jobs.orchestrator import launch

for using in ("default", "jobs"):
    try:
        with transaction.atomic(using=using):
            launch("noop")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
"""


# --- every query names the database ---------------------------------------------------------------

NAMELESS = {"connection"}  # of django.db: it is the connection to ``default``
TAKES_A_NAME = {"atomic", "on_commit", "non_atomic_requests", "savepoint", "set_autocommit"}


def nameless(source: str) -> list[str]:
    """What in *source* would use the database ``default``, whatever TRUESTEP["database"] is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "django.db" and not node.level:
            found += [alias.name for alias in node.names if alias.name in NAMELESS]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "transaction"
            and node.func.attr in TAKES_A_NAME
            and "using" not in [keyword.arg for keyword in node.keywords]
        ):
            found.append(f"transaction.{node.func.attr}")
    return found


def test_a_query_that_names_no_database_is_found():
    assert nameless("from django.db import connection") == ["connection"]
    assert nameless("transaction.atomic()") == ["transaction.atomic"]
    assert nameless("transaction.on_commit(f, robust=True)") == ["transaction.on_commit"]
    assert nameless("transaction.atomic(using=alias())") == []


def test_every_query_names_its_database():
    # A migration runs on the database that ``migrate`` names.
    modules = [p for p in sorted((ROOT / "jobs").rglob("*.py")) if p.parent.name != "migrations"]
    assert modules
    found = {str(path): names for path in modules if (names := nameless(path.read_text()))}
    assert found == {}
