"""What the files in ``docs/deploy`` say agrees with the settings, the docs and each other."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from jobs.conf import Knobs
from jobs.management.children import END_SECONDS
from jobs.management.server import SHUTDOWN_SECONDS
from jobs.queues import served_queues
from tests.deployment.files import (
    DEPLOY,
    UNITS,
    Service,
    composed,
    copied_by_dockerfile,
    example,
    unit,
)
from tests.support import ROOT

pytestmark = pytest.mark.sqlite
ENV = example() | {"SECRET_KEY": "k" * 60, "POSTGRES_PASSWORD": "secret"}
WORKERS = ["worker-default", "worker-gpu"]
WORKER_UNITS = ["truestep-worker@default", "truestep-worker@gpu"]


def workers() -> list[Service]:
    services = composed(ENV)
    return [services[name] for name in WORKERS] + [unit(name, ENV) for name in WORKER_UNITS]


def test_a_worker_has_the_time_that_its_steps_and_an_absent_database_may_take():
    knobs = Knobs()
    for worker in workers():
        assert worker.stop_seconds >= knobs.drain + knobs.grace + knobs.lease + END_SECONDS


def test_a_web_process_has_the_time_that_its_requests_may_take():
    for web in [composed(ENV)["web-1"], composed(ENV)["web-2"], unit("truestep-web@8001", ENV)]:
        assert web.stop_seconds >= SHUTDOWN_SECONDS + END_SECONDS


def test_each_worker_serves_the_queues_that_its_name_says():
    served = [served_queues(worker.command[-1]) for worker in workers()]
    assert served == [{"default": None}, {"gpu": 1}] * 2


def test_the_environment_has_only_variables_that_something_reads():
    settings = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.M)
    compose = re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text())
    assert set(example()) <= {*settings, *compose}
    assert set(compose) <= set(example())


@pytest.mark.parametrize("missing", ["SECRET_KEY", "POSTGRES_PASSWORD"])
def test_compose_refuses_to_start_without_a_secret(missing):
    with pytest.raises(AssertionError, match=f"{missing} is missing: set it in .env"):
        composed(ENV | {missing: ""})


def test_the_image_has_what_the_commands_need_and_nothing_is_kept_from_it():
    copied = copied_by_dockerfile()
    assert all((ROOT / name).exists() for name in copied)
    let_in = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    assert sorted(copied) == sorted(let_in)


def test_docs_name_each_file_and_no_other():
    page = (ROOT / "docs/deploy.md").read_text()
    named = set(re.findall(r"\(deploy/([^)#]+)\)", page))
    there = {str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*") if path.is_file()}
    assert named == there


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_takes_every_line_of_the_units(tmp_path):
    """What it cannot check here is whether the program is installed."""
    for path in UNITS.glob("*.service"):
        name = path.name.replace("@", "@default")
        (tmp_path / name).write_text(
            path.read_text().replace("/srv/truestep/.venv/bin/python", "/bin/sh")
        )
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(tmp_path.iterdir())], capture_output=True, text=True
    )
    assert [line for line in done.stderr.splitlines() if "truestep" in line] == []
