"""How durations and moments are written, on the page, in the admin and in the terminal alike."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobs.templatetags import truestep
from jobs.times import about, clock, duration, local, rfc3339, setting, zone
from tests.support.expected import DURATIONS

MILLISECONDS = 0.001


@pytest.mark.parametrize(("seconds", "took", "running"), DURATIONS)
def test_a_duration_in_words(seconds, took, running):
    assert duration(seconds) == took
    assert clock(seconds) == running


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.25, "0.25 s"),
        (15, "15 s"),
        (90, "1 min 30 s"),
        (3600.0, "1 h 00 min"),
        (2e6, "23 d 03 h"),
    ],
)
def test_a_setting_is_written_exactly(seconds, written):
    assert setting(seconds) == written


def test_no_duration_is_negative_or_has_a_full_unit():
    full = re.compile(r"-|\b1000 ms|\b60(\.0)? s|\b60 min|\b24 h")
    for milliseconds in [*range(-10, 2000), *range(59_000, 61_000), *range(3_590_000, 3_602_000)]:
        for text in (duration(milliseconds * MILLISECONDS), clock(milliseconds * MILLISECONDS)):
            assert not full.search(text), (milliseconds, text)


def test_the_page_shows_durations_in_the_same_words():
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    shown = truestep.elapsed(start, start - timedelta(hours=1))
    assert shown == '<time class="elapsed">0 ms</time>'


def test_a_moment_is_in_utc_whatever_zone_its_database_speaks():
    berlin = datetime.fromisoformat("2026-07-01T12:00:00+02:00")
    assert "2026-07-01 10:00:00 UTC</time>" in truestep.moment(berlin)


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/St_Johns"])
def terminal_zone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_the_terminal_names_its_zone(terminal_zone):
    offset = {"UTC": "UTC", "Asia/Kathmandu": "UTC+05:45", "America/St_Johns": "UTC-03:30"}
    winter = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert zone(winter) == offset[terminal_zone]
    assert local(winter) == f"{winter.astimezone():%H:%M:%S} on 2026-01-01 {zone(winter)}"
    now = datetime.now(UTC)
    assert local(now) == f"{now.astimezone():%H:%M:%S} {zone(now)}"


def test_a_moment_for_programs_is_in_utc_to_the_microsecond():
    """Zones, and daylight saving with them, exist only in the browser."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-01-02T01:04:05.000006Z"


@pytest.mark.parametrize(
    ("seconds", "nearest", "up"),
    [
        (0.4, "under 1 s", "under 1 s"),
        (40.4, "40 s", "41 s"),
        (99.4, "99 s", "2 min"),
        (720, "12 min", "12 min"),
        (7790, "2 h 10 min", "2 h 10 min"),
        (7801, "2 h 10 min", "2 h 20 min"),
        (7200, "2 h", "2 h"),
        (260_000, "3 d", "4 d"),
    ],
)
def test_about_how_long(seconds, nearest, up):
    assert about(seconds) == nearest
    assert about(seconds, rounds_up=True) == up
