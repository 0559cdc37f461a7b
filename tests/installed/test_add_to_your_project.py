"""A stranger follows docs/add-to-your-project.md and has a live page.

With Django 5.2 on Python 3.11, else 6; ``TRUESTEP_DJANGO=6.0 pytest …`` takes that version.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.faults.postgresql import PostgreSQL
from tests.faults.proxy import Proxy
from tests.faults.visitor import Visitor
from tests.faults.websocket import TEXT, RawSocket
from tests.installed.guide import Reader
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(900)]

DJANGO = os.environ.get("TRUESTEP_DJANGO", "5.2" if sys.version_info < (3, 12) else "6")
PREFIX = "/tools"
# A definition in an app called jobs, as this package is called in its own repository.
THEIRS = """
from truestep import JobDefinition, step


class Greeting(JobDefinition):
    @step
    def greet(self, run):
        run.log("hello")
"""


class Stripping(Proxy):
    """Takes the prefix out of each request, as ``proxy_pass http://…/`` of nginx does."""

    def _pass(self, data, source, sink):
        prefix = re.compile(rb"^([A-Z]+) " + PREFIX.encode() + rb"(/\S*)")
        super()._pass(prefix.sub(rb"\1 \2", data), source, sink)


@contextmanager
def postgresql():
    """The environment in which ``createdb`` and Django find a server."""
    place = Path(tempfile.mkdtemp())  # the server's user may not enter tmp_path
    server = PostgreSQL(place)
    try:
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": "truestep",
            "LC_ALL": "C.UTF-8",
        }
    finally:
        server.stop()
        shutil.rmtree(place)


def offline(wheel: Path) -> dict[str, str]:
    """pip takes this wheel and nothing else: dependencies are those of this test run."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent)}


def online(wheel: Path, directory: Path) -> dict[str, str]:
    """pip takes this wheel, and the rest from its index."""
    constraints = directory / "constraints.txt"
    version = wheel.name.split("-")[1]
    constraints.write_text(f"truestep=={version}\nDjango=={DJANGO}.*\n")
    return {"PIP_CONSTRAINT": str(constraints), "PIP_FIND_LINKS": str(wheel.parent)}


def lend_dependencies(reader: Reader) -> None:
    """The reader's virtualenv has what this one has; the app is not among it."""
    reader.run("python3 -m venv .venv")
    [packages] = (reader.directory / ".venv/lib").glob("python3.*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "lent.pth").write_text("\n".join(ours))
    reader.env["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"  # where django-admin is


@pytest.mark.slow
def test_the_page_works_word_by_word_without_a_network(wheel, tmp_path):
    reader = Reader(tmp_path, **offline(wheel))
    lend_dependencies(reader)
    reader.follow()
    check_a_live_project(reader)


@pytest.mark.full
@pytest.mark.parametrize("below", ["root", "kept", "stripped"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_page_works_on_every_ground(wheel, tmp_path, database, below):
    home = tmp_path / "home"
    home.mkdir()
    with postgresql() if database == "postgresql" else nullcontext({}) as env:
        reader = Reader(home, **online(wheel, tmp_path), **env)
        reader.follow(database, *([] if below == "root" else ["prefix"]))
        reader.add("mysite/settings.py", 'DATABASES["default"]["ATOMIC_REQUESTS"] = True\n')
        check_a_live_project(reader, below)


def check_a_live_project(reader: Reader, below: str = "root") -> None:
    """Page, socket, admin, command and audit, with a job of an app called ``jobs``."""
    reader.add_optional_lines()
    reader.run("python manage.py startapp jobs")
    reader.add("jobs/jobs.py", THEIRS)
    reader.add("mysite/settings.py", 'INSTALLED_APPS += ["jobs"]\nPORT = 0\n')
    assert "greeting" in reader.run("python manage.py launch")
    reader.run("python manage.py launch greeting")
    with served(reader, below) as url:
        visit(url)
    assert re.match(r"clean: 4 jobs, \d+ entries", reader.run("python manage.py audit"))


@contextmanager
def served(reader: Reader, below: str):
    """The address at which the project answers, or a proxy in front of it."""
    serve = reader.serve()
    try:
        ready = next(line for line in serve.stdout if line.startswith("Ready: "))
        url = ready.removeprefix("Ready: ").strip().removesuffix("/jobs/")
        assert urlsplit(url).path == ("" if below == "root" else PREFIX)
        if below == "root":
            yield url
            return
        proxy = (Stripping if below == "stripped" else Proxy)(url)
        yield proxy.url
        proxy.end()
    finally:
        serve.terminate()
        assert serve.wait(60) == 0
        serve.stdout.close()


def visit(url: str) -> None:
    probe = Request(f"{url}/jobs/healthz", headers={"Host": "10.0.0.1"})  # not an allowed host
    with urlopen(probe, timeout=30) as answer:
        assert answer.read() == b"ok"
    visitor = Visitor(url)
    visitor.get("/jobs/")
    login = visitor.path.removeprefix(urlsplit(url).path)
    visitor.post(login, username="ada", password="change-me", next=f"{urlsplit(url).path}/jobs/")
    listed = visitor.get("/jobs/")
    assert "nightly_import" in listed and "greeting" in listed
    for path in re.findall(r'(?:href|src)="([^"]*/static/[^"]*)"', listed):
        assert visitor.get(path.removeprefix(urlsplit(url).path))
    for name, fields in (("greeting", {}), ("nightly_import", {"rows": "3"})):
        visitor.get(f"/jobs/launch/{name}/")
        visitor.post(f"/jobs/launch/{name}/", **fields)
        job = visitor.path.removeprefix(urlsplit(url).path)
        watch(url, visitor, job)
        wait_for(lambda job=job: 'data-status="succeeded"' in visitor.get(job), 60, job)
    assert "greeting" in visitor.get("/admin/truestep/job/")


def watch(url: str, visitor: Visitor, job: str) -> None:
    """The page's socket, from the beginning: it gets every change, and then a tick."""
    [address] = re.findall(r'data-socket="([^"]*)"', visitor.get(job))
    [host] = re.findall(r"^http://[^/]+", url)
    separator = "&" if "?" in address else "?"
    socket = RawSocket(host, f"{address}{separator}seq=0&tag=", visitor.session)
    assert socket.status == 101
    seen = set()
    while not {"changes", "tick"} <= seen:
        kind, payload = socket.next()
        assert kind == TEXT
        seen.add(json.loads(payload)["type"])
    socket.close()
