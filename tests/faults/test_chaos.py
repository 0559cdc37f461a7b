"""Everything is killed and frozen at random while many jobs run; nothing is lost."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.support import ROOT

pytestmark = pytest.mark.slow


def chaos(*arguments, seconds):
    """Run the chaos program; what it printed when it found a fault."""
    command = [sys.executable, "-m", "tests.chaos", "--database", connection.vendor, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.timeout(330)
def test_nothing_is_lost_while_workers_and_servers_are_killed(database):
    chaos("--jobs", "60", "--kills", "15", "--seed", "1", "--pages", "2", seconds=300)


@pytest.mark.full
@pytest.mark.timeout(2000)
def test_nothing_is_lost_in_300_kills_over_1000_jobs(database):
    chaos("--jobs", "1000", "--kills", "300", "--seed", "2", "--pages", "4", seconds=1900)
