"""Workers whose connections go through a real PgBouncer in transaction mode."""

from __future__ import annotations

import os

import pytest

from jobs import audit
from jobs.models import Job
from jobs.orchestrator import launch, launch_many
from tests.faults.pgbouncer import PgBouncer
from tests.support import finished, program, wait_for

pytestmark = [pytest.mark.full, pytest.mark.postgres]


@pytest.fixture
def pgbouncer(database, tmp_path):
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(0o755)  # it may run as another user
    server = PgBouncer(tmp_path, os.environ["DATABASE_URL"])
    yield server
    server.stop()


def test_jobs_run_behind_pgbouncer_and_go_on_when_it_restarts(pgbouncer):
    pooled = {
        "DATABASE_URL": pgbouncer.url,
        "DJANGO_SETTINGS_MODULE": "tests.faults.pooled_settings",
    }
    with program("worker", env=pooled) as first, program("worker", env=pooled) as second:
        for worker in (first, second):
            worker.wait_for_line("Worker with")
        jobs = launch_many("diamond", [{}] * 20)
        wait_for(lambda: Job.objects.filter(status="succeeded").exists())
        pgbouncer.stop()
        pgbouncer.start()
        after = launch("diamond")
        assert {finished(job, seconds=60).status for job in (*jobs, after)} == {"succeeded"}
    assert list(audit.differences()) == []
