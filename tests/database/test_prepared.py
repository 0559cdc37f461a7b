"""The statements of a batch are plain SQL and, on PostgreSQL, prepared."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.test import override_settings

from jobs import database as db
from jobs.orchestrator import launch
from tests.support import drive, job_of

REQUEST = "UPDATE truestep_job SET cancel_requested = %s WHERE id = %s"
REFUSED = "UPDATE truestep_job SET status = %s WHERE id = %s"  # no journal entry says so


def test_a_statement_says_how_many_rows_it_changed(transactional_db):
    job = launch("noop")
    with db.write():
        one, none = db.execute(REQUEST, [True, job.pk]), db.execute(REQUEST, [True, job.pk + 1])
    assert (one, none) == (1, 0)
    assert job_of(job.pk).cancel_requested


def test_a_refused_statement_undoes_those_before_it(transactional_db):
    job = launch("noop")
    refusal = pytest.raises(DatabaseError, match="only with its journal entry")
    with refusal, db.write():
        db.execute(REQUEST, [True, job.pk])
        db.execute(REFUSED, ["running", job.pk])
    assert not job_of(job.pk).cancel_requested
    with db.write():  # the connection can be used again
        assert db.execute(REQUEST, [True, job.pk])


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("settings", "has_pooler"),
    [
        ({}, False),
        ({"DISABLE_SERVER_SIDE_CURSORS": False}, False),
        ({"DISABLE_SERVER_SIDE_CURSORS": True}, True),
    ],
)
def test_statements_are_prepared_unless_a_pooler_shares_sessions(
    claimant, monkeypatch, settings, has_pooler
):
    monkeypatch.delitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", raising=False)
    for name, value in settings.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    connection.close()
    assert drive(claimant, launch("noop")).status == "succeeded"
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [row[0] for row in cursor.fetchall()]
    assert any("truestep_batch" in sql for sql in prepared) is not has_pooler
    assert all("truestep_" in sql for sql in prepared)


@pytest.mark.postgres
def test_a_moment_has_a_zone_on_a_connection_that_is_older_than_the_settings(transactional_db):
    launch("noop")
    with override_settings(USE_TZ=False):
        connection.close()
        connection.ensure_connection()
    [(launched,)] = db.select("SELECT created_at FROM truestep_job", [])
    assert launched.tzinfo
