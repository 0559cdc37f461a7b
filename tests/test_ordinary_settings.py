"""Settings that ordinary projects have: each works, or ``manage.py check`` refuses it by name."""

from __future__ import annotations

import copy
import re
from uuid import UUID

import pytest

from jobs import logs
from jobs.live import fragments
from jobs.live.prefix import BelowPrefix
from jobs.live.routing import websocket_urlpatterns
from jobs.models import Attempt, Transition
from jobs.orchestrator import cancel, launch, retry
from jobs.sight.job import read_job
from jobs.statuses import Kind, Verdict
from tests.support import drive, ended, job_of, number_rows_from, wait_for

pytestmark = pytest.mark.either

LOCALISED = {
    "English": {"LANGUAGE_CODE": "en-gb"},
    "German": {"LANGUAGE_CODE": "de"},
    "French": {"LANGUAGE_CODE": "fr"},
    "Indian": {"LANGUAGE_CODE": "en", "NUMBER_GROUPING": (3, 2, 0), "THOUSAND_SEPARATOR": "'"},
}
# What differs between two answers for the same page.
OF_THE_MOMENT = re.compile(r'type="hidden" name="\S+" value="[^"]{40,}"|data-now="\d+"')


def own_pages(client, job) -> dict[str, str]:
    """The pages and frames of a job, by their addresses."""
    paths = ["/", f"/?before={job.pk + 1}", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/?before=4"]
    paths += ["/launch/", f"/launch/{job.definition}/?again={job.pk}", "/nothing/"]
    pages = {path: client.get(path).text for path in paths}
    pages["frames"] = "".join(frame.numbered(1) for frame in fragments.frames(read_job(job.pk)))
    return {path: OF_THE_MOMENT.sub("", text) for path, text in pages.items()}


@pytest.fixture
def numbered(claimant):
    """A job and steps with numbers that a language would write with separators."""
    number_rows_from(1501)
    job = drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED, "no luck"))
    assert job.pk > 1500 and all(step.pk > 1500 for step in job.steps.all())
    return job_of(job.pk)


@pytest.mark.slow
@pytest.mark.parametrize("language", LOCALISED)
def test_ids_and_numbers_are_the_same_in_every_language(settings, ada, numbered, language):
    plain = own_pages(ada, numbered)
    settings.USE_I18N = settings.USE_THOUSAND_SEPARATOR = True
    for name, value in LOCALISED[language].items():
        setattr(settings, name, value)
    localised = own_pages(ada, numbered)
    assert localised.keys() == plain.keys()
    for path, text in plain.items():
        assert f"{numbered.pk}" in text or path in ("/launch/", "/nothing/")
        assert localised[path] == text, path


@pytest.mark.slow
def test_every_variable_of_a_page_exists(settings, ada, numbered):
    """Django shows nothing for a missing one, so a page could lack its position, for example."""
    settings.TEMPLATES = copy.deepcopy(settings.TEMPLATES)
    settings.TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = "MISSING %s"
    pages = own_pages(ada, numbered)
    del pages["/nothing/"]  # the project's
    assert {path for path, text in pages.items() if "MISSING" in text} == set()


def test_a_probe_needs_no_login_where_every_page_does(settings, client, database):
    needs_login = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    others = [each for each in settings.MIDDLEWARE if each != "jobs.middleware.health"]
    settings.MIDDLEWARE = [*others, needs_login]
    assert client.get("/healthz").text == "ok"
    assert client.get("/").status_code == 302


def test_pages_need_no_address_of_the_project(settings, ada, admin_user):
    settings.ROOT_URLCONF = "tests.bare_urls"
    job = launch("noop")
    for path in ("/", f"/jobs/{job.pk}/", "/launch/"):
        assert "Log out" not in ada.get(path).text
    admin_user.is_superuser = False
    admin_user.save()
    assert "does not have permission" in ada.get("/launch/").text


@pytest.mark.slow
def test_no_page_is_cached_by_the_project(settings, ada, claimant):
    """It would be a page of ten minutes ago, with a key that has been used."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CSRF_USE_SESSIONS = True  # a page that sets a cookie would not be cached
    caching = "django.middleware.cache.{}CacheMiddleware"
    settings.MIDDLEWARE = [
        caching.format("Update"),
        *settings.MIDDLEWARE,
        caching.format("FetchFrom"),
    ]
    job = launch("noop")
    pages = ("/", f"/jobs/{job.pk}/", "/launch/", "/launch/noop/")
    for path in (*pages, *pages):
        ada.get(path)
    cancel(job.pk)
    newer = launch("noop")
    assert f'id="job-{newer.pk}"' in ada.get("/").text
    assert 'data-status="cancelled"' in ada.get(f"/jobs/{job.pk}/").text
    for path in ("/launch/noop/", f"/jobs/{newer.pk}/"):
        keys = {re.search(r'key" value="(.+?)"', ada.get(path).text)[1] for _ in range(3)}
        assert len(keys) == 3, path


@pytest.mark.parametrize("language", LOCALISED)
def test_no_attribute_in_the_admin_has_a_localised_number(settings, ada, numbered, language):
    settings.USE_I18N = settings.USE_THOUSAND_SEPARATOR = True
    for name, value in LOCALISED[language].items():
        setattr(settings, name, value)
    separated = re.compile(r'="[^"]*\b1[^\w"=-]50\d\b[^"]*"')
    paths = ["job/", f"job/{numbered.pk}/change/", "step/", "attempt/", "transition/"]
    paths.append(f"attempt/{Attempt.objects.latest('pk').pk}/change/")
    paths.append(f"transition/{Transition.objects.latest('pk').pk}/change/")
    for path in paths:
        text = ada.get(f"/admin/truestep/{path}").text
        assert not separated.search(text), path
    page = ada.get(f"/admin/truestep/job/{numbered.pk}/change/").text
    assert f'id="job-{numbered.pk}"' in page
    assert f"ids={numbered.pk}&amp;whole" in page


@pytest.mark.slow
def test_a_logger_that_does_not_propagate_is_logged_once(worker):
    job = launch("sells")
    wait_for(lambda: job_of(job.pk).is_finished)
    lines = "".join(logs.text_of(job.steps.get().pk)).splitlines()
    assert lines == ["sold by shop", "sold by shop.till", "sold by None"]


# --- who asks -------------------------------------------------------------------------------------


class Person:
    """A user of a model that a project has written itself."""

    def __init__(self, name):
        self.pk = UUID(int=7)
        self.name = name

    def __str__(self):
        if isinstance(self.name, Exception):
            raise self.name
        return self.name


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("vera", "vera"),
        ("v" * 150, "v" * 150),
        ("v" * 225, "v" * 149 + "…"),
        ("", f"user {UUID(int=7)}"),
        (ValueError("no name"), f"user {UUID(int=7)}"),
        ("v\0ra", "v␀ra"),
    ],
)
def test_whatever_a_user_is_called_the_history_has_it(claimant, name, output):
    person = Person(name)
    job = launch("noop", actor=person)
    other = launch("noop", actor=person, again_of=job, why="w" * 900)
    cancel(job.pk, actor=person)
    retry(job.pk, actor=person, why="w" * 900)
    people = job.journal.exclude(kind=Kind.MOVE).order_by("seq")
    assert [entry.actor for entry in people] == [output] * 4
    assert people.last().reason.endswith("www…") and len(people.last().reason) == 500
    assert other.journal.get(seq=1).reason.endswith("www…")


# --- below a path, behind a proxy, asked by an address --------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/jobs/7/", "/tools/truestep/jobs/7/"),
        ("/tools/truestep/jobs/7/", "/tools/truestep/jobs/7/"),
        ("/", "/tools/truestep/"),
        ("/tools/truestep", "/tools/truestep/"),
        ("/tools/truestepped/", "/tools/truestep/tools/truestepped/"),
    ],
)
async def test_every_path_has_the_prefix_whether_the_proxy_strips_it_or_not(settings, path, found):
    settings.FORCE_SCRIPT_NAME = "/tools/truestep"
    scopes = []

    async def application(scope, receive, send):
        scopes.append(scope)

    await BelowPrefix(application)({"path": path, "raw_path": path.encode()}, None, None)
    await BelowPrefix(application)({"type": "lifespan"}, None, None)
    [whole, other] = scopes
    assert (whole["path"], whole["raw_path"]) == (found, found.encode())
    assert other == {"type": "lifespan"}


@pytest.mark.parametrize("prefix", ["", "a/", "tools/truestep/", "en/jobs/x/"])
@pytest.mark.parametrize(
    ("path", "job_id"),
    [("ws/jobs/", None), ("ws/jobs/1501/", "1501"), ("ws/jobs/x/", ""), ("xws/jobs/", "")],
)
def test_sockets_are_found_below_any_prefix(prefix, path, job_id):
    found = [match for url in websocket_urlpatterns if (match := url.pattern.match(prefix + path))]
    if job_id == "":
        assert found == []
    else:
        [(_, _, arguments)] = found
        assert arguments.get("job_id") == job_id


def test_a_probe_needs_no_allowed_host_and_no_https(client, settings):
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.get("/", headers={"host": "10.0.0.7:8000"}).status_code in (301, 400)
    assert client.get("/nothing/healthz", headers={"host": "shop.example"}).status_code == 301
    assert client.post("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 405


async def test_a_probe_is_answered_in_an_asynchronous_server_too(async_client, settings):
    settings.ALLOWED_HOSTS = []
    answer = await async_client.get("/healthz", headers={"host": "10.0.0.7"})
    assert answer.status_code == 200
