"""A stored value comes back equal, or is refused before it is stored."""

import ipaddress
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from jobs.definitions import values
from tests.support.values import is_same
from tests.testapp.field_jobs import Colour

BERLIN = ZoneInfo("Europe/Berlin")


class Size(IntEnum):
    SMALL = 1


class Odd(tzinfo):
    def utcoffset(self, moment):
        return timedelta(hours=1)


def there_and_back(value):
    kept = json.dumps(values.encode(value), allow_nan=False)
    return values.decode(json.loads(kept))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(BERLIN) | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.binary(max_size=20)
    | st.ip_addresses()
)


@pytest.mark.slow
@given(
    st.recursive(
        SCALARS,
        lambda each: (
            st.lists(each, max_size=3)
            | st.lists(each, max_size=3).map(tuple)
            | st.dictionaries(st.text(max_size=3), each, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_a_kept_value_comes_back_equal_and_of_the_same_type(value):
    assert is_same(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**53 + 1,
        -0.0,
        float("nan"),
        float("-inf"),
        Decimal("-0.00"),
        Decimal("NaN"),
        {1, 2},
        frozenset({"a"}),
        {(1, 2): {"$date": "no date"}},
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=-90), "home")),
        time(1, 2, 3, 4, tzinfo=UTC),
        Colour.RED,
        Size.SMALL,
        mark_safe("<b>"),
        Path("/tmp"),
        ipaddress.ip_network("192.0.2.0/24"),
        "a\0b\ud800",
    ],
    ids=repr,
)
def test_so_does_what_is_special(value):
    got = there_and_back(value)
    assert type(got) is type(value)
    if value == value:
        assert got == value
    assert repr(got) == repr(value)


class Text(str):
    pass


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


LOCAL = Enum("LOCAL", "ONE")  # its name is found nowhere: it is another one's
LOCAL.__qualname__ = "nowhere.LOCAL"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "a value of type builtins.object would not come back equal"),
        (Text("x"), "a value of type tests.definitions.test_values.Text would"),
        ([{"a": 1j}], "a value of type builtins.complex would"),
        (nested(150), "it is nested more than 100 deep"),
        pytest.param(10**5000, "digits", id="digits"),
        (datetime(2026, 1, 1, tzinfo=Odd()), "a time zone of type Odd would not"),
        (LOCAL.ONE, "tests.definitions.test_values.nowhere.LOCAL cannot be found by its name"),
        (Group(name="new"), "this group is not in the database yet"),
    ],
)
def test_what_would_come_back_as_another_is_refused(value, why):
    with pytest.raises(values.CannotBeKept, match=why):
        values.encode(value)


@pytest.mark.parametrize(
    ("coded", "why"),
    [
        ({"$new": 1}, "this release does not know values of the type new"),
        ({"$datetime": ["2026-01-01T00:00:00", 0, "Mars/Olympus"]}, "no time zone Mars/Olympus"),
        ({"$enum": ["tests.nothing", "Colour", "r"]}, r"there is no tests\.nothing\.Colour"),
        ({"$enum": ["os", "PathLike", "r"]}, r"os\.PathLike is not an enumeration"),
        ({"$enum": ["tests.testapp.field_jobs", "Colour", "x"]}, "'x' is not a valid Colour"),
        ({"$object": {"model": "no.model", "db": "default", "pk": 1, "text": ""}}, "no.model"),
        (
            {"$object": {"model": "auth.user", "db": "gone", "pk": 1, "text": ""}},
            "no database gone",
        ),
    ],
)
def test_what_this_release_cannot_have_says_why(coded, why):
    with pytest.raises(values.Lost, match=why):
        values.decode(coded)


@pytest.mark.parametrize(
    ("value", "words", "plain"),
    [
        (None, "", None),
        (True, "yes", True),
        (2**60, "1152921504606846976", 2**60),
        (Decimal("1.10"), "1.10", "1.10"),
        ([1, "a"], "1, a", [1, "a"]),
        ((1, 2), "1, 2", [1, 2]),
        ({"ä": date(2026, 1, 2)}, '{"ä": "2026-01-02"}', {"ä": "2026-01-02"}),
        (date(2026, 1, 2), "2026-01-02", "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00", "2026-01-02T03:04:00"),
        (
            datetime(2026, 1, 2, 3, 4, tzinfo=BERLIN),
            "2026-01-02 03:04:00 Europe/Berlin",
            "2026-01-02T03:04:00+01:00",
        ),
        *(
            (
                datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=BERLIN),  # it is there twice
                f"2026-10-25 02:30:00{offset} Europe/Berlin",
                f"2026-10-25T02:30:00{offset}",
            )
            for fold, offset in enumerate(("+02:00", "+01:00"))
        ),
        (timedelta(days=1), "1 day, 0:00:00", "1 day, 0:00:00"),
        (Colour.RED, "r", "r"),
        (float("inf"), "inf", "inf"),
        (uuid.UUID(int=1), str(uuid.UUID(int=1)), str(uuid.UUID(int=1))),
    ],
)
def test_a_kept_value_is_shown_the_same_everywhere(value, words, plain):
    coded = values.encode(value)
    assert values.words(coded) == words
    assert values.plain(coded) == plain


def test_rows_come_back_in_the_order_they_were_chosen_in(database):
    for name in ("ada", "eve", "bob"):
        Group.objects.create(name=name)
    chosen = Group.objects.exclude(name="bob").order_by("-name")
    coded = values.encode(chosen)
    got = values.decode(coded)
    assert is_same(got, chosen)
    assert set(got.filter(name="ada")) == {chosen[1]}
    assert values.words(coded) == "eve, ada"
    Group.objects.get(name="eve").delete()
    with pytest.raises(values.Lost, match=r"auth\.group \d+ \(eve\) is no longer in the database"):
        values.decode(coded)
    assert values.words(coded) == "eve, ada"
