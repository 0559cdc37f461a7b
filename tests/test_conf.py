"""The knobs: their defaults, and what is refused."""

import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs import conf


def test_without_the_setting_the_defaults_hold(settings):
    settings.TRUESTEP = {}  # announced, as the deletion is not
    del settings.TRUESTEP
    assert (conf.knobs().slots, conf.knobs().grace, conf.knobs().line_bytes) == (2, 10.0, 16384)


def test_a_changed_setting_takes_effect_immediately(settings):
    settings.TRUESTEP = {"slots": 7, "grace": 3}
    assert (conf.knobs().slots, conf.knobs().grace) == (7, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"slot": 2}, "TRUESTEP['slot'] is not a setting. Known: engine, slots, queues, grace"),
        ({"slots": "2"}, "TRUESTEP['slots'] is '2'; it must be of type int, for example 2."),
        ({"slots": 2.5}, "it must be of type int"),
        ({"slots": True}, "TRUESTEP['slots'] is True; it must be of type int"),
        ({"slots": 0}, "TRUESTEP['slots'] is 0; it must be above 0"),
        ({"grace": -1}, "TRUESTEP['grace'] is -1; it must be above 0"),
        ({"grace": float("nan")}, "TRUESTEP['grace'] is nan; it must be above 0"),
        ({"grace": None}, "it must be of type float"),
        ({"engine": 3}, "it must be of type str"),
        ({"error_bytes": 2**30}, "it must be above 0 and at most 131072"),
    ],
)
def test_a_malformed_knob_is_refused_by_name(settings, given, words):
    settings.TRUESTEP = given
    with pytest.raises(ImproperlyConfigured) as caught:
        conf.knobs()
    assert words in str(caught.value)


def test_the_run_directory_is_for_its_owner_alone(settings, tmp_path):
    settings.TRUESTEP = {"run_directory": str(tmp_path / "a" / "b")}
    path = conf.run_directory()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert conf.run_directory() == path


def test_the_run_directory_of_another_user_is_not_trusted(settings, tmp_path, monkeypatch):
    settings.TRUESTEP = {"run_directory": str(tmp_path)}
    monkeypatch.setattr(conf.os, "getuid", lambda: 4242)
    with pytest.raises(ImproperlyConfigured, match="belongs to another user"):
        conf.run_directory()
