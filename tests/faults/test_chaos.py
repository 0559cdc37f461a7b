"""Everything is killed and frozen at random while many jobs run; nothing is lost."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.support import ROOT

pytestmark = pytest.mark.slow


def chaos(*arguments, seconds):
    run("tests.chaos", "--database", connection.vendor, *arguments, seconds=seconds)


def run(module, *arguments, seconds):
    """Run a chaos program; what it printed when it found a fault, or did not come to an end."""
    command = [sys.executable, "-m", module, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ, **pipes) as running:
        try:
            said, _ = running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.terminate()  # it says where it was, and ends all that it has started
            said, _ = running.communicate()
    assert running.returncode == 0, said


@pytest.mark.brief
@pytest.mark.either
@pytest.mark.timeout(330)
def test_nothing_is_lost_while_workers_and_servers_are_killed(database):
    chaos("--jobs", "25", "--kills", "6", "--seed", "1", "--pages", "2", seconds=300)


@pytest.mark.full
@pytest.mark.timeout(2000)
def test_nothing_is_lost_in_300_kills_over_1000_jobs(database):
    chaos("--jobs", "1000", "--kills", "300", "--seed", "2", "--pages", "4", seconds=1900)


@pytest.mark.full
@pytest.mark.postgres
@pytest.mark.timeout(1000)
def test_every_effect_happens_once_while_workers_of_three_hosts_are_killed():
    """On a PostgreSQL of its own."""
    run("benchmarks.faults.chaos", "--jobs", "300", "--seed", "1", seconds=900)
