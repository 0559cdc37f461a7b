"""What ``docs/deploy`` starts works together, seen from a browser at the proxy.

The files stay as they are. Only addresses are replaced in what they say, by ones that are free.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.support import SWITCHES
from tests.deployment.files import DEPLOY, Service, composed, example, unit
from tests.deployment.machine import READY, Machine
from tests.faults.postgresql import PostgreSQL
from tests.support import wait_for
from tests.support.ports import free_ports

pytestmark = [pytest.mark.full, pytest.mark.sqlite, pytest.mark.timeout(600)]
WEB = ("web-1", "web-2")
ENV = example() | {
    "SITE": "localhost",
    "ALLOWED_HOSTS": "localhost",
    "SECRET_KEY": "only for this test " * 4,
    "POSTGRES_PASSWORD": "secret",
    "RELEASE": "v7",
}
PASSWORD = "spade-forest-lantern"


@pytest.fixture
def postgresql():
    place = tempfile.mkdtemp()  # the server's user may not enter tmp_path
    server = PostgreSQL(Path(place))
    yield server
    server.stop()
    shutil.rmtree(place)


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    yield made
    made.end()


class Moved:
    """The services of a way to deploy, with addresses that are free here."""

    def __init__(self, postgresql, redis, directory) -> None:
        self.http, self.https, admin, *self.ports = free_ports(5)
        self.url = f"https://localhost:{self.https}"
        self._database = postgresql.url.replace("truestep@", "truestep:secret@")
        self._redis = redis.url
        self._caddy = {
            "HTTP_PORT": str(self.http),
            "HTTPS_PORT": str(self.https),
            "CADDY_ADMIN": f"127.0.0.1:{admin}",
            "XDG_DATA_HOME": str(directory),
        }

    def compose(self) -> dict[str, Service]:
        services = {
            name: self._at(service, "@database/truestep", "redis://redis/0")
            for name, service in composed(ENV).items()
        }
        for name, port in zip(WEB, self.ports, strict=True):
            service = services[name]
            *command, host, old = service.command
            assert (command.pop(), host, old) == ("0.0.0.0", "--port", "8000")
            services[name] = replace(
                service,
                command=[*command, "127.0.0.1", "--port", str(port)],
                healthcheck=tuple(w.replace(":8000/", f":{port}/") for w in service.healthcheck),
            )
        services["proxy"] = self._proxy(services["proxy"], ["web-1:8000", "web-2:8000"])
        return services

    def systemd(self) -> dict[str, Service]:
        env = ENV | {"DATABASE_URL": self._database, "REDIS_URL": self._redis}
        services = {
            "worker-default": unit("truestep-worker@default", env),
            "worker-gpu": unit("truestep-worker@gpu", env),
            "migrate": unit("truestep-manage@migrate", env),
            "proxy": self._proxy(unit("caddy", env), ["127.0.0.1:8001", "127.0.0.1:8002"]),
        }
        for name, port in zip(WEB, self.ports, strict=True):
            url = f"http://127.0.0.1:{port}/readyz"
            asks = f"import urllib.request as r; r.urlopen({url!r}, timeout=4)"
            services[name] = replace(
                unit(f"truestep-web@{port}", env), healthcheck=("python", "-c", asks)
            )
        return services

    def _at(self, service: Service, database: str, redis: str) -> Service:
        env = dict(service.env)
        if "DATABASE_URL" in env:
            assert env["DATABASE_URL"].endswith(f":secret{database}")
            assert env["REDIS_URL"] == redis
            env |= {"DATABASE_URL": self._database, "REDIS_URL": self._redis}
        return replace(service, env=env)

    def _proxy(self, service: Service, upstream: list[str]) -> Service:
        assert service.env["WEB"].split() == upstream
        web = " ".join(f"127.0.0.1:{port}" for port in self.ports)
        env = service.env | self._caddy | {"WEB": web, "SITE": ENV["SITE"]}
        command = [
            word.replace("/etc/caddy/Caddyfile", str(DEPLOY / "Caddyfile"))
            for word in service.command
        ]
        return replace(service, command=command, env=env)


@pytest.fixture(params=["compose", "systemd"])
def deployed(request, postgresql, redis, machine, tmp_path):
    """A machine on which everything runs, with its services, and the address of the proxy."""
    moved = Moved(postgresql, redis, tmp_path)
    services = getattr(moved, request.param)()
    machine.run(services["migrate"])
    machine.manage(
        *(services["migrate"], "createsuperuser", "--noinput"),
        *("--username", "ada", "--email", "ada@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    for name in (*WEB, "worker-default", "worker-gpu", "proxy"):
        machine.start(name, services[name])
    for name in WEB:
        machine.wait_until_healthy(name)
    _wait_for_workers(moved.ports[0], 2)
    return machine, services, moved


def _wait_for_workers(port: int, count: int) -> None:
    def are_there() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            found = json.load(answer)
        return found["workers"] == count and found["channel_layer"] == "reachable"

    wait_for(are_there, READY, f"{count} workers")


@pytest.fixture
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, deployed):
    """A tab that is logged in through the proxy, and that notes the addresses of its sockets."""
    _, _, moved = deployed
    context = browser.new_context(ignore_https_errors=True)  # Caddy's certificate is its own
    tab = context.new_page()
    tab.sockets = []
    tab.on("websocket", lambda socket: tab.sockets.append(socket.url))
    wait_for(lambda: _opens(tab, moved.url), READY, "the proxy to find a web process ready")
    tab.get_by_label("Username").fill("ada")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.locator("body")).to_have_attribute("data-live", "live", timeout=READY * 1000)
    yield tab
    context.close()


def _opens(tab, url: str) -> bool:
    with suppress(Exception):
        return tab.goto(f"{url}/").status == 200
    return False


def _launch(page, url: str, name: str, **fields: str) -> int:
    """Launch from the page; the job's number, when its page is live."""
    page.goto(f"{url}/launch/{name}/")
    for field, value in fields.items():
        page.get_by_label(field.capitalize()).fill(value)
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.locator("body")).to_have_attribute("data-live", "live", timeout=READY * 1000)
    return int(page.url.rstrip("/").rpartition("/")[2])


def _expect_status(page, row: str, status: str) -> None:
    expect(page.locator(row)).to_have_attribute("data-status", status, timeout=READY * 1000)


def test_a_job_of_two_queues_is_seen_to_its_end_through_the_proxy(deployed, page, tmp_path):
    machine, services, moved = deployed
    machine.manage(services["web-1"], "check", "--deploy", "--fail-level", "WARNING")
    _launch(page, moved.url, "mixed")
    _expect_status(page, ".job-head", "succeeded")
    assert all(url.startswith(f"wss://localhost:{moved.https}/ws/") for url in page.sockets)

    # Web processes are replaced, one after another, below a page that nobody touches.
    gate = tmp_path / "gate"
    job = _launch(page, moved.url, "waits", gate=str(gate))
    _expect_status(page, "[data-step=waiting]", "running")
    for name in WEB:
        assert machine.stop(name) == {name: 0}
        machine.start(name, services[name])
        machine.wait_until_healthy(name)
    gate.touch()
    _expect_status(page, ".job-head", "succeeded")
    assert page.url.endswith(f"/jobs/{job}/")

    # Everything is stopped while a step runs that does not end when it is asked to.
    stubborn = _launch(page, moved.url, "stubborn")
    _expect_status(page, "[data-step=resist]", "running")
    names = ["proxy", *WEB, "worker-default", "worker-gpu"]
    assert machine.stop(*names) == dict.fromkeys(names, 0)
    migrate = services["migrate"]
    machine.manage(migrate, "audit")
    shown = json.loads(machine.manage(migrate, "show", str(stubborn), "--json"))
    assert [step["status"] for step in shown["steps"]] == ["pending"]
    assert shown["job"]["code_version"] == "v7"


def test_database_and_redis_start_as_the_file_says(postgresql, tmp_path, machine):
    """Their health checks say when they answer, and Redis ends in the time that it has."""
    services = composed(ENV)
    words = services["database"].healthcheck
    where = {"PGPORT": str(postgresql.port)}
    machine.run(replace(services["database"], command=list(words), env=where))
    [port] = free_ports(1)
    redis = services["redis"]
    own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    asks = (*redis.healthcheck[:1], "-p", str(port), *redis.healthcheck[1:])
    machine.start("redis", replace(redis, command=[*redis.command, *own], healthcheck=asks))
    machine.wait_until_healthy("redis")
    assert machine.stop("redis") == {"redis": 0}
