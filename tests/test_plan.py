"""The graph of a plan, walked in every direction."""

import pytest

from jobs.plan import Plan

DIAMOND = Plan({"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"]})


def test_a_plan_knows_both_directions_in_its_order():
    assert DIAMOND.dependencies["bottom"] == ("left", "right")
    assert DIAMOND.dependants == {
        "top": ["left", "right"],
        "left": ["bottom"],
        "right": ["bottom"],
        "bottom": [],
    }


def test_a_step_stands_behind_all_that_it_needs_wherever_it_is_written():
    assert Plan({"last": ["first"], "first": []}).order == ["first", "last"]
    assert DIAMOND.order == ["top", "left", "right", "bottom"]


@pytest.mark.parametrize(
    ("needs", "unreachable"),
    [
        ({"a": []}, []),
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["a"], "c": []}, ["a", "b"]),
        ({"a": ["b"], "b": ["b"], "c": ["a"]}, ["a", "b", "c"]),
    ],
)
def test_steps_on_a_cycle_or_behind_it_cannot_start(needs, unreachable):
    assert Plan(needs).unreachable == unreachable


@pytest.mark.parametrize(
    ("step", "ancestors"),
    [("top", []), ("left", ["top"]), ("bottom", ["top", "left", "right"])],
)
def test_ancestors_are_all_that_a_step_needs(step, ancestors):
    assert DIAMOND.ancestors(step) == ancestors


def test_ancestors_of_a_chain_of_ten_thousand_are_found_without_walking():
    chain = Plan({number: [number - 1] if number else [] for number in range(10_000)})
    assert chain.ancestors(9_999) == list(range(9_999))
    chain.dependencies.clear()  # nothing is walked a second time
    assert chain.ancestors(5_000) == list(range(5_000))


def test_a_walk_goes_up_as_far_as_its_condition_holds():
    assert DIAMOND.up(["bottom"], lambda step: step != "left") == {"bottom", "right", "top"}
    assert DIAMOND.up(["bottom"], lambda step: False) == set()


def test_a_walk_down_asks_when_a_step_has_its_turn():
    """Each dependant is visited once, also when the caller changes the answer."""
    met = []
    for dependency, dependant in DIAMOND.down("top", lambda step: step not in met):
        met.append(dependant)
        assert dependency in DIAMOND.dependencies[dependant]
    assert met == ["left", "right", "bottom"]
