"""Each setting of ordinary projects alone; all that can stand together are those of every test."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.db import connection
from playwright.sync_api import expect

from jobs.models import Job
from jobs.times import clock
from tests.browser.alone_settings import ALONE
from tests.browser.support import launched, look_at
from tests.faults.proxy import Proxy
from tests.support import ROOT, program
from tests.support.expected import DURATIONS

EMAIL, PASSWORD = "ada@example.com", "not a secret"
REQUEST = re.compile(rb"^(GET|POST|HEAD) /tools/truestep(/\S*)")


class Stripping(Proxy):
    """Takes the prefix out of each request, as `proxy_pass http://…/` of nginx does."""

    def _pass(self, data, source, sink):
        super()._pass(REQUEST.sub(rb"\1 \2", data), source, sink)


def manage(env: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    subprocess.run(command, env=os.environ | env, check=True, capture_output=True, timeout=120)


@pytest.fixture
def people():
    """An empty database for a project whose users are others; SQLite makes it when it is opened."""
    name = ALONE["person"]["DATABASES"]["default"]["NAME"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
    yield
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def alone(request, database):
    """A web server with a worker, under one setting: its address, and who may log in there."""
    env = {"DJANGO_SETTINGS_MODULE": "tests.browser.alone_settings", "TEST_ALONE": request.param}
    person = {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "USERNAME": "ada"}
    if request.param == "person":
        request.getfixturevalue("people")
        person["USERNAME"] = "A" * 225
        manage(env, "migrate")
    if request.param == "manifest":
        manage(env, "collectstatic", "--noinput")
    output = {f"DJANGO_SUPERUSER_{field}": value for field, value in person.items()}
    manage(env | output, "createsuperuser", "--noinput")
    with program("serve", "--port", "0", env=env) as running:
        url = running.wait_for_line("Ready: ").removeprefix("Ready: ").rstrip("/")
        proxy = Stripping(url) if request.param == "stripped" else None
        yield proxy.url if proxy else url, EMAIL if request.param == "person" else "ada"
        if proxy:
            proxy.end()


@pytest.mark.full
@pytest.mark.parametrize("alone", ALONE, indirect=True)
def test_a_setting_alone(page, context, alone):
    url, user = alone
    context.clear_cookies()
    page.goto(f"{url}/launch/hangs/")
    page.locator("[name=username]").fill(user)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    hang = page.locator("[data-step=hang]")
    expect(hang).to_have_attribute("data-status", "running")
    expect(hang.locator("[data-line='1']")).to_have_text("hanging")
    page.get_by_role("button", name="Cancel this job").click()
    expect(hang).to_have_attribute("data-status", "cancelled")
    page.get_by_role("button", name="Retry unsuccessful steps").click()
    expect(hang).to_have_attribute("data-status", "running")
    expect(page.locator(".entry").last).to_be_visible()
    number = page.locator("[data-job]").get_attribute("data-job")
    page.get_by_role("link", name="Admin").click()
    page.goto(f"{page.url}truestep/job/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    page.locator(".action-select").check()
    page.locator("select[name=action]").select_option("cancel")
    page.locator("button[name=index]").click()
    expect(page.locator(".messagelist")).to_contain_text(f"Cancel requested: job {number}.")
    expect(page.locator(f"#job-{number}")).to_have_text("cancelled")


def test_the_page_counts_as_the_terminal_does(page, web):
    job = launched("noop")
    look_at(page, web, job)
    page.evaluate(
        """([table]) => {
          const now = Date.now();
          Date.now = () => now;
          document.querySelector('main').append(...table.map((seconds) => Object.assign(
            document.createElement('time'), {className: 'counted'})));
          document.querySelectorAll('.counted').forEach((time, index) => {
            time.dataset.start = now - Math.round(table[index] * 1000);
          });
        }""",
        [[seconds for seconds, _, _ in DURATIONS]],
    )
    expect(page.locator(".counted")).to_have_text([clock(seconds) for seconds, _, _ in DURATIONS])


def test_each_time_names_its_zone_in_full(page, web):
    job = launched("noop")
    look_at(page, web, job)
    title = page.locator(".entry time").first.get_attribute("title")
    born = Job.objects.get(pk=job.pk).created_at
    assert str(born.year) in title and re.search(r"UTC|GMT", title)
    expect(page.locator("#verified")).to_have_text(re.compile(r"(UTC|GMT\S*)$"))
