"""The ENGINE for SQLite: a sound library, and options that several processes can share."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.utils import load_backend

from jobs import checks
from jobs.backends.sqlite import library
from jobs.backends.sqlite.base import DatabaseWrapper
from tests.support.sqlite_releases import SQLITE_RELEASES

pytestmark = pytest.mark.sqlite


@pytest.fixture
def file(tmp_path, django_db_blocker):
    """``file(**options)``: a connection to a SQLite file of the test's own."""
    made = []

    def connect(**options) -> DatabaseWrapper:
        settings = connections["default"].settings_dict
        own = {"ENGINE": "jobs.backends.sqlite", "NAME": tmp_path / "own", "OPTIONS": options}
        made.append(DatabaseWrapper(settings | own, "own"))
        return made[-1]

    with django_db_blocker.unblock():
        yield connect
    for each in made:
        each.close()


def answer(its, sql, params=()):
    with its.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


@pytest.mark.parametrize(("version", "sound"), SQLITE_RELEASES)
def test_releases_with_the_wal_reset_bug_are_not_sound(version, sound):
    assert library.is_sound(version) is sound


def test_it_runs_on_a_sound_library_and_leaves_pythons_own_alone(file):
    its = file()
    (version,) = answer(its, "SELECT sqlite_version()")
    assert library.is_sound(tuple(map(int, version.split("."))))
    assert version == its.Database.sqlite_version
    if not library.is_sound(sqlite3.sqlite_version_info):
        assert sqlite3.sqlite_version != version


def test_it_brings_wal_full_and_immediate(file):
    its, other = file(), file(timeout=0)
    assert answer(its, "PRAGMA journal_mode") == ("wal",)
    assert answer(its, "PRAGMA synchronous") == (2,)  # FULL
    assert answer(its, "PRAGMA busy_timeout") == (20_000,)
    with its.cursor() as cursor, other.cursor() as second:
        its._start_transaction_under_autocommit()
        with pytest.raises(OperationalError, match="locked"):
            second.execute("BEGIN IMMEDIATE")
        cursor.execute("ROLLBACK")


def test_options_of_the_settings_come_first(file):
    its = file(
        transaction_mode="DEFERRED", timeout=3, init_command="PRAGMA synchronous=OFF; PRAGMA x=1"
    )
    assert answer(its, "PRAGMA synchronous") == (0,)
    assert answer(its, "PRAGMA busy_timeout") == (3000,)
    assert its.transaction_mode == "DEFERRED"


def test_values_come_back_as_with_djangos_own_backend(file):
    its = file()
    values = [
        ("bool", True),
        ("date", date(2026, 2, 28)),
        ("time", time(12, 30)),
        ("datetime", datetime(2026, 2, 28, 12, 30, 0, 5, tzinfo=UTC)),
        ("timestamp", datetime(2026, 2, 28, 12, 30)),
        ("text", "1.50"),
    ]
    names = ", ".join(f"c{i} {kind}" for i, (kind, _) in enumerate(values))
    with its.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t ({names})")
        given = [True, values[1][1], "12:30:00", values[3][1], values[4][1], Decimal("1.50")]
        cursor.execute(f"INSERT INTO t VALUES ({', '.join(['%s'] * 6)})", given)
        cursor.execute("SELECT * FROM t")
        assert list(cursor.fetchone()) == [value for _, value in values]


def test_placeholders_are_djangos(file):
    its = file()
    with its.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a, b)")
        cursor.executemany("INSERT INTO t VALUES (%s, '%%')", ([n] for n in range(3)))
        cursor.executemany("INSERT INTO t VALUES (%(a)s, %(b)s)", [{"a": 3, "b": 4}])
        cursor.executemany("INSERT INTO t VALUES (%s, 1)", [])
        cursor.execute("SELECT count(*), max(b) FROM t WHERE a >= %(least)s", {"least": 1})
        assert cursor.fetchone() == (3, "%")


def test_a_statement_that_comes_again_is_not_prepared_again(file):
    """Also behind many others, of which pysqlite3 would keep the first hundred only."""
    its = file()
    prepared = []
    with its.cursor() as cursor:
        for number in range(200):
            cursor.execute(f"SELECT {number}")
        its.connection.set_authorizer(lambda *about: prepared.append(about) or 0)
        for number in range(5):
            cursor.execute("SELECT 'one', %s", [number])
            cursor.execute("SELECT 'two', %s", [number])
    assert len(prepared) == 2


def test_a_connection_knows_how_many_parameters_a_statement_may_have(file):
    its = file()
    its.ensure_connection()
    number = its.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    assert number >= 32_766
    with its.cursor() as cursor:
        cursor.execute(f"SELECT {' + '.join(['%s'] * 500)}", [1] * 500)
        assert its.connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN) == 2000


def test_one_file_opened_with_two_libraries_is_refused(settings, monkeypatch):
    ours = connections["default"]
    elsewhere = load_backend("django.db.backends.sqlite3").DatabaseWrapper(
        ours.settings_dict | {"ENGINE": "django.db.backends.sqlite3"}, "elsewhere"
    )
    assert checks.check_database() == []
    monkeypatch.setattr(connections, "all", lambda: [ours, elsewhere])
    found = [error for error in checks.check_database() if error.id == "truestep.E015"]
    assert bool(found) == (ours.Database is not elsewhere.Database)
    for error in found:
        assert "the same file as DATABASES['elsewhere']" in error.msg
        assert "Set the same ENGINE, 'jobs.backends.sqlite', for both" in error.msg


def test_the_errors_of_its_library_are_djangos(transactional_db):
    with pytest.raises(OperationalError, match="no such table"), transaction.atomic():
        answer(connection, "SELECT * FROM absent")
