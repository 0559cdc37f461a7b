"""Which steps of a big plan are drawn as one."""

from __future__ import annotations

import pytest

from jobs.plan import Plan
from jobs.sight.grouping import groups_of


def grouped(needs: dict[str, list[str]], most: int = 10) -> list[list[str]] | None:
    names = list(needs)
    place = {name: position for position, name in enumerate(names)}
    plan = Plan({place[name]: [place[other] for other in needed] for name, needed in needs.items()})
    found = groups_of(names, plan, most)
    return found and [[names[step] for step in steps] for steps in found]


def test_a_fan_is_three_nodes():
    middle = {f"part_{number}": ["split"] for number in range(9)}
    needs = {"split": [], **middle, "join": list(middle)}
    assert grouped(needs) == [["split"], list(middle), ["join"]]


def test_pipelines_side_by_side_are_one_pipeline():
    needs: dict[str, list[str]] = {}
    for number in range(4):
        needs |= {f"load_{number}": [], f"clean_{number}": [f"load_{number}"]}
    assert grouped(needs) == [[f"{verb}_{n}" for n in range(4)] for verb in ("load", "clean")]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"lint": []}, "another name"),
        ({"part_9": ["part_0"]}, "another layer"),
        ({"other": [], "part_9": ["other"]}, "needs something else"),
    ],
)
def test_what_is_not_alike_stays_apart(other, why):
    needs = {"split": [], "part_0": ["split"], "part_1": ["split"], **other}
    assert [list(other)[-1]] in grouped(needs)


def test_what_something_else_needs_stays_apart():
    needs = {"part_0": [], "part_1": [], "part_2": [], "end": ["part_0", "part_1"], "x": ["part_2"]}
    assert grouped(needs)[:2] == [["part_0", "part_1"], ["part_2"]]


def test_a_plan_without_structure_has_no_groups():
    assert grouped({f"s{n}": [f"s{n - 1}"] if n else [] for n in range(11)}) is None
