"""A backup is made while jobs run, and restored, with the very commands of docs/deploy.md."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.deployment.files import Service
from tests.deployment.machine import READY, Machine
from tests.installed.guide import blocks
from tests.support import ROOT, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.full]


def commands(choice: str) -> str:
    """The block of the page that is marked so, for the database of this test run."""
    marks = (choice, f"{choice}_{connection.vendor}")
    [block] = [b for b in blocks((ROOT / "docs/deploy.md").read_text()) if b.choice in marks]
    return block.text


class Restorable:
    """A checkout with a database of its own, in which a person types commands."""

    def __init__(self, directory: Path) -> None:
        self._machine = Machine(directory)
        (self._machine.root / "var").mkdir()
        self.name = ""
        env = {}  # on SQLite: the file in var/
        if connection.vendor == "postgresql":
            self.name = f"{connection.settings_dict['NAME']}_backed_up"
            url, _, _ = os.environ["DATABASE_URL"].rpartition("/")
            env = {"DATABASE_URL": f"{url}/{self.name}"}
            self._on_server('CREATE DATABASE "{}"')
        self._worker = Service(["python", "manage.py", "worker", "--slots", "2"], env, 45)

    def _on_server(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement.format(self.name))

    def type(self, text: str) -> None:
        shell = Service(["sh", "-euc", text], self._worker.env, 0)
        python = Path(sys.executable).parent
        self._machine.run(shell, PATH=f"{python}{os.pathsep}{os.environ['PATH']}")

    def manage(self, *arguments: str) -> str:
        return self._machine.manage(self._worker, *arguments)

    def launch(self, *arguments: str) -> str:
        return self.manage("launch", "--detach", *arguments).strip()

    def follow(self, job: str) -> None:
        """Until the job has succeeded."""
        self.manage("launch", "--follow", job)

    def wait_until_runs(self, job: str, step: str) -> None:
        def runs() -> bool:
            steps = json.loads(self.manage("show", job, "--json"))["steps"]
            return {"name": step, "status": "running"}.items() <= steps[0].items()

        wait_for(runs, READY, f"{step} runs")

    def start_worker(self) -> None:
        self._machine.start("worker", self._worker)

    def kill_worker(self) -> None:
        self._machine.end()

    def end(self) -> None:
        self._machine.end()
        if self.name:
            self._on_server('DROP DATABASE "{}" WITH (FORCE)')


@pytest.fixture
def site(database, tmp_path):
    made = Restorable(tmp_path)
    yield made
    made.end()


@pytest.mark.timeout(300)
def test_a_backup_that_was_made_while_jobs_ran_is_restored_and_goes_on(site, tmp_path):
    gate = tmp_path / "gate"
    site.manage("migrate")
    site.start_worker()
    done = site.launch("noop")
    site.follow(done)
    held = site.launch("patient", "--gate", str(gate))
    site.wait_until_runs(held, "wait")
    then = [site.manage("show", job, "--json") for job in (done, held)]

    site.type(commands("backup"))
    lost = site.launch("noop")
    site.follow(lost)
    site.kill_worker()
    site.type(commands("restore"))

    site.type(commands("restored"))
    assert [site.manage("show", job, "--json") for job in (done, held)] == then
    with pytest.raises(AssertionError, match=f"no job {lost}"):
        site.manage("show", lost)
    again = site.launch("noop")
    site.start_worker()
    gate.touch()
    for job in (held, again):
        site.follow(job)
    assert site.manage("audit").startswith("clean: 3 jobs")
