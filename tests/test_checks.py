"""What is wrong with the configuration, said before the first job."""

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from jobs import checks


def test_this_project_is_sound():
    assert checks.check_definitions() == []
    assert checks.check_knobs() == []
    assert checks.check_sqlite() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"slot": 1}, "TRUESTEP['slot'] is not a setting. Known: engine, slots"),
        ({"engine": "jobs.engines.nothing.Engine"}, "TRUESTEP['engine']: No module named"),
        ({"engine": "nothing"}, "TRUESTEP['engine']: nothing doesn't look like a module path"),
    ],
)
def test_a_malformed_setting_is_an_error_that_names_it(settings, given, words):
    settings.TRUESTEP = given
    [error] = checks.check_knobs()
    assert error.id == "truestep.E002"
    assert error.msg.startswith(words)


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_an_sqlite_that_can_corrupt_its_file_is_a_warning(monkeypatch, version, sound):
    class Library:
        sqlite_version_info = version
        sqlite_version = ".".join(map(str, version))

    monkeypatch.setattr(connections[DEFAULT_DB_ALIAS], "Database", Library)
    found = checks.check_sqlite()
    assert [warning.id for warning in found] == ([] if sound else ["truestep.W001"])
