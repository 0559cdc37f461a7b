"""How a worker behaves while a lock is in its way."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from jobs import database, workers
from jobs.engines.backoff import Backoff
from jobs.models import Worker
from tests.support import wait_for


@pytest.mark.sqlite
def test_a_lock_restarts_the_leases_of_workers_on_other_hosts(claimant):
    """It may have held up their heartbeats, too."""
    Worker.objects.update(host="far.example")

    def silence() -> float:
        return workers.seconds_without_heartbeat(Worker.objects.get())

    wait_for(lambda: silence() > 0.1)
    with database.restoring_lock_timeout():
        Backoff().start(OperationalError("database is locked"))
    assert silence() == 0.0
