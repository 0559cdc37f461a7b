"""A real Chromium on the real page. Every test ends with an empty console and no CSP violation."""

from __future__ import annotations

import os
import shutil

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect, sync_playwright

from tests.browser.support import SWITCHES
from tests.faults.proxy import Proxy
from tests.support import number_rows_from

# What the page went through, as seen from inside: every status of every row in the order shown and
# since when (seconds since 1970), when the last socket opened, and when a status last changed.
RECORDER = """
addEventListener('securitypolicyviolation', e => console.error('CSP', e.blockedURI));
window.seen = [];
const note = row => {
  const name = row.dataset.step ?? 'job';
  const last = seen.findLast(item => item[0] === name);
  if (last?.[1] === row.dataset.status) return;
  window.statusAt = performance.now();
  seen.push([name, row.dataset.status, (performance.timeOrigin + statusAt) / 1000]);
};
new MutationObserver(() => {
  document.querySelectorAll('[data-job], [data-step]').forEach(note);
}).observe(document, {subtree: true, childList: true, attributes: true});
const Plain = WebSocket;
window.WebSocket = class extends Plain {
  constructor(url) {
    super(url);
    this.addEventListener('open', () => {
      window.openedAt = performance.now();
      window.sockets = (window.sockets ?? 0) + 1;
    });
  }
};
"""
expect.set_options(timeout=30_000)  # long: it ends a test that hangs, and promises nothing


@pytest.fixture(scope="package")
def chromium():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        # Playwright keeps a loop running in this thread; the ORM is used between its calls.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session", autouse=True)
def _high_numbers(django_db_setup, django_db_blocker):
    """Ids that a language would write with separators."""
    with django_db_blocker.unblock():
        number_rows_from(1501)


@pytest.fixture
def admin_user(database):
    """A user with the longest name that Django's own user model takes."""
    return User.objects.create_superuser("ada@" + ("lovelace." * 17)[:146])


@pytest.fixture
def context(chromium, admin_user, client):
    """A browser window in which the superuser is logged in, wherever the server is."""
    client.force_login(admin_user)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    session = client.cookies["sessionid"].value
    context.add_cookies(
        [{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/"}]
    )
    yield context
    context.close()


@pytest.fixture
def page(context):
    """A tab that must stay quiet: no console message, no error, no CSP violation."""
    tab = context.new_page()
    tab.noise = []
    tab.on("console", lambda message: tab.noise.append(message.text))
    tab.on("pageerror", lambda error: tab.noise.append(str(error)))
    tab.add_init_script(RECORDER)
    yield tab
    assert tab.noise == []


@pytest.fixture
def proxied():
    """``proxied(site)``: a proxy in front of it; the page is opened through it."""
    proxies = []

    def start(site) -> Proxy:
        proxies.append(Proxy(site.url))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.end()
