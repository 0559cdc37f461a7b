"""``--reload``: in development, worker and web server start again with the code as it is now."""

from __future__ import annotations

import os

import psutil
import pytest

from jobs.models import Attempt, Worker
from tests.support import finished, job_of, program, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.either]

DEFINITION = """
from jobs import JobDefinition, step

class Changing(JobDefinition):
    @step
    def one(self, run):
        return {version}
"""


@pytest.fixture
def code(tmp_path):
    """A function that writes the app's definition anew."""
    app = tmp_path / "changing"
    app.mkdir()
    (app / "__init__.py").touch()
    settings = "from tests.settings import *\nINSTALLED_APPS += ['changing']\n"
    (tmp_path / "changing_settings.py").write_text(settings)

    def write(version):
        (app / "jobs.py").write_text(DEFINITION.format(version=version))

    write(1)
    return write


@pytest.fixture
def env(code, tmp_path):
    """Where a process finds the app."""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    return {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "changing_settings"}


def result_of_a_job(env):
    with program("launch", "changing", "--detach", env=env) as command:
        assert command.wait() == 0, command.errors
    job = finished(job_of(int(command.lines[0])))
    return Attempt.objects.get(step__job=job).result


def living():
    return Worker.objects.filter(stopped_at=None).count()


def test_a_worker_runs_the_code_as_it_is_now(database, code, env):
    with program("worker", "--slots", "1", "--reload", env=env) as worker:
        wait_for(living)
        assert result_of_a_job(env) == 1
        code(2)
        worker.wait_for_line(str(env["PYTHONPATH"].split(os.pathsep)[0]))
        wait_for(lambda: living() == 1)
        assert result_of_a_job(env) == 2
        assert "changing/jobs.py changed: starting again." in worker.lines[-2]
        worker.process.terminate()
        assert worker.wait() == 0
    assert not living()


def test_code_that_cannot_be_loaded_is_waited_for(database, code, env):
    with program("worker", "--slots", "1", "--reload", env=env) as worker:
        wait_for(living)
        code("(")
        wait_for(lambda: any("SyntaxError" in line for line in worker.errors))
        code(3)
        wait_for(living)
        assert result_of_a_job(env) == 3


def test_serve_starts_both_again(serving, code, env):
    with serving("--reload", env=env) as server:
        wait_for(living)
        before = {child.pid for child in psutil.Process(server.process.pid).children()}
        code(4)
        wait_for(
            lambda: (
                before.isdisjoint(
                    children := {
                        child.pid for child in psutil.Process(server.process.pid).children()
                    }
                )
                and len(children) == 2
            )
        )
        wait_for(lambda: living() == 1)
        assert result_of_a_job(env) == 4
