"""How a worker behaves while a lock is in its way, or its database away."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from jobs import database as db
from jobs import workers
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
    with db.restoring_lock_timeout():
        Backoff().start(OperationalError("database is locked"))
    assert silence() == 0.0


def test_the_first_pause_is_short_and_the_pauses_of_an_outage_grow(database):
    """A server that only ended the session takes the next connection at once."""
    away = OperationalError("server closed the connection unexpectedly")
    with db.restoring_lock_timeout():
        pausing = Backoff()
        assert [pausing.start(away) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
        pausing.succeeded()
        assert pausing.start(away) == 0.1
