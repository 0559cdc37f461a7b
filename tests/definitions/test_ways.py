"""A step gets what the form understood at the launch, whatever the way, language and zone."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from tests.definitions.ways import (
    BERLIN,
    INITIAL,
    PLACES,
    WAYS,
    Ways,
    expected,
    in_place,
    means,
)
from tests.support import at_length, wait_for
from tests.support.values import is_same
from tests.testapp.field_jobs import GROUPS, VALUES


@pytest.mark.slow
@pytest.mark.parametrize("places", at_length(["en UTC", f"de {BERLIN}", "en-gb no zone"], PLACES))
def test_a_step_gets_what_the_form_understood(ada, groups, worker, tmp_path, places):
    """The worker reads English, in UTC. ``clean()`` runs once, and what it adds is kept."""
    cells, wrong = 0, []
    for number, place in enumerate(map(PLACES.get, places)):
        files = tmp_path / str(number)
        files.mkdir()
        with in_place(place):
            ways = Ways(ada, place, files)
            for way in WAYS:
                ways.go(way)
            for way in WAYS:
                wrong += differences(ways, way)
                cells += len([*VALUES, *GROUPS])
    assert wrong == []
    assert cells == len(places) * 9 * 59 >= 400
    print(f"{cells:,} cells, all equal, none refused")


def differences(ways: Ways, way: str) -> Iterator[str]:
    """Where the step got something else than the form understood, or than was meant."""
    job, path, understood = ways.jobs[way]
    wait_for(path.exists, what=f"the step of {way}: {job}")
    got = pickle.loads(path.read_bytes())
    assert got.keys() == understood.keys()
    assert is_same(got["chance"], understood["chance"])
    meant = expected(ways.place)
    if way in (*INITIAL, "again_initial"):  # an initial value has no microseconds, in any form
        meant |= {"moment_exact": meant["moment"], "time_exact": meant["time"]}
    for name in (*VALUES, *GROUPS):
        if not is_same(got[name], understood[name]):
            yield f"{way} {name}: got {got[name]!r}, understood {understood[name]!r}"
        elif not is_same(means(got[name], name), meant[name]):
            yield f"{way} {name}: got {got[name]!r}, meant {meant[name]!r}"
