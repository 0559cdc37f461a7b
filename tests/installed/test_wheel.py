"""What is in the wheel."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile

import pytest

from tests.support.waiting import ROOT

pytestmark = [pytest.mark.sqlite, pytest.mark.slow]


@pytest.fixture(scope="module")
def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        yield archive


def test_it_has_every_file_of_the_app_and_nothing_else(contents):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "jobs"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    files = {name.replace("jobs/", "truestep/", 1) for name in listed if (ROOT / name).is_file()}
    packed = {name for name in contents.namelist() if ".dist-info/" not in name}
    assert packed == files
    for needed in ("py.typed", "templates/truestep/list.html", "static/truestep/live.css"):
        assert f"truestep/{needed}" in packed


def test_the_wheel_requires_only_what_the_app_needs(contents):
    [name] = [name for name in contents.namelist() if name.endswith("/METADATA")]
    metadata = email.message_from_bytes(contents.read(name))
    required = metadata.get_all("Requires-Dist")
    always = sorted(each.split("<")[0].split(">")[0] for each in required if "extra" not in each)
    assert always == ["channels", "django", "psutil", "rich"]
    extras = "celery metrics opentelemetry postgres redis secrets server sqlite uvicorn"
    assert metadata.get_all("Provides-Extra") == extras.split()
    assert metadata["License-Expression"].startswith("BSD-3-Clause")
    assert "Copyright" in contents.read(f"{name.split('/')[0]}/licenses/LICENSE").decode()


def test_every_module_loads_under_the_name_truestep(wheel):
    """Also with another project's app called ``jobs`` in the same process."""
    code = """
import importlib, os, pkgutil, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings_of_others"
import django; django.setup()
import jobs.jobs, truestep
for module in pkgutil.walk_packages(truestep.__path__, "truestep."):
    if "migrations" not in module.name or module.name[-1].isdigit() or "_" in module.name:
        importlib.import_module(module.name)
from truestep import definitions
print(*definitions.registered())
print(*sorted(name for name in sys.modules if name.split(".")[0] == "jobs"))
"""
    folder = wheel.parent / "others"
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    (folder / "jobs" / "__init__.py").touch()
    (folder / "jobs" / "jobs.py").write_text(
        "from truestep import JobDefinition, step\n"
        "class Theirs(JobDefinition):\n"
        "    @step\n"
        "    def one(self, run): pass\n"
    )
    (folder / "settings_of_others.py").write_text(
        "INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes',\n"
        "    'django.contrib.sessions', 'django.contrib.messages', 'django.contrib.admin',\n"
        "    'jobs', 'truestep']\n"
        "DATABASES = {'default': {'ENGINE': 'truestep.backends.sqlite', 'NAME': ':memory:'}}\n"
        "SECRET_KEY = 'for tests'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["theirs", "jobs jobs.jobs"]
