"""Behind a pooler in transaction mode nothing stays with a session."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from jobs import checks
from jobs import database as db
from jobs.models import Worker
from jobs.orchestrator import cancel, launch
from tests.faults.postgres_proxy import PostgresProxy
from tests.support import drive

pytestmark = pytest.mark.postgres

LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


class Pooler(PostgresProxy):
    """Has a process number of its own, as every pooler has."""

    def _pass(self, data, source, sink):
        before, key, after = data.partition(b"K\0\0\0\x0c")
        super()._pass(before + key + (b"\0\0\0\7" + after[4:] if key else b""), source, sink)


@pytest.fixture
def pooled(claimant, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    connection.close()
    yield claimant
    connection.close()


def kept_by_the_session():
    """The names of what was prepared, set or listened to in this connection's session."""
    found = db.rows(
        "SELECT name FROM pg_settings WHERE source = 'session' AND name IN (%s, %s, %s) "
        "UNION ALL SELECT name FROM pg_prepared_statements "
        "UNION ALL SELECT pg_listening_channels()",
        *LIMITS,
    )
    return {name for (name,) in found}


def work(claimant):
    """What a worker and a person do."""
    with db.restoring_lock_timeout():
        db.set_lock_timeout(5)
        for _ in range(4):
            drive(claimant, launch("noop"))
            cancel(launch("diamond", once=f"key {_}").pk)
        return kept_by_the_session()


def test_a_session_keeps_nothing_behind_a_pooler(pooled):
    assert work(pooled) == set()


def test_a_session_keeps_statements_and_limits_without_one(claimant):
    assert work(claimant) > {"lock_timeout", "idle_in_transaction_session_timeout"}


def test_a_heartbeat_waits_for_no_lock_behind_a_pooler(pooled):
    workers = Worker.objects.filter(pk=pooled.worker.pk)
    other, aside = connection.copy(), db.SideConnection()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM truestep_worker FOR UPDATE")
            with pytest.raises(OperationalError) as raised:
                aside.update(workers, beats=77)
            assert db.outage_of(raised.value) is db.Outage.BUSY
            cursor.execute("ROLLBACK")
        assert aside.update(workers, beats=78) == 1
        assert workers.get().beats == 78
    finally:
        other.close()
        aside.close()


def test_a_worker_does_not_listen_behind_a_pooler_and_looks_all_the_same(pooled):
    watch = db.watch_commits()
    try:
        assert watch.changed()
        assert 0 < watch.pause <= 1
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        assert db.rows(listening + " AND datname = current_database()") == [(0,)]
    finally:
        watch.close()


def test_the_check_notices_a_pooler_that_the_settings_do_not_name(database, monkeypatch):
    assert checks.check_pooler() == []
    pooler = Pooler()
    its = connection.settings_dict
    options = its["OPTIONS"] | {"sslmode": "disable"}
    there = {"HOST": "127.0.0.1", "PORT": pooler.url.rpartition(":")[2].partition("/")[0]}
    for name, value in (there | {"OPTIONS": options}).items():
        monkeypatch.setitem(its, name, value)
    try:
        connection.close()
        [warning] = checks.check_pooler()
        assert "DISABLE_SERVER_SIDE_CURSORS" in warning.msg
        monkeypatch.setitem(its, "DISABLE_SERVER_SIDE_CURSORS", True)
        assert checks.check_pooler() == []
    finally:
        connection.close()
        monkeypatch.undo()
        pooler.end()
