"""How a plan is drawn: columns, few crossings, straight lines; the same everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations

import pytest

from jobs.sight import layout
from jobs.sight.layout import GAP, HEIGHT, drawing_of
from jobs.sight.ordering import Ordering, total_crossings
from tests.support import ROOT
from tests.support.plans import generated

DIAMOND = ((), (0,), (0,), (1, 2))
PLANS = 50
OF_DOT = 1.1


def drawn(needs, label=10):
    return drawing_of((label,) * len(needs), needs)


def ends(line):
    """Where a line begins and ends."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", line)]
    return numbers[:2], numbers[-2:]


def test_a_diamond():
    top, left, right, bottom = drawn(DIAMOND).boxes
    assert top.x < left.x == right.x < bottom.x
    assert left.y + HEIGHT + GAP == right.y
    assert top.y == bottom.y == (left.y + right.y) / 2


def test_lines_lead_from_side_to_side():
    drawing = drawn(DIAMOND)
    assert [line[:2] for line in drawing.lines] == [(0, 1), (0, 2), (1, 3), (2, 3)]
    for above, below, line in drawing.lines:
        source, target = drawing.boxes[above], drawing.boxes[below]
        begin, end = ends(line)
        assert begin == [source.x + source.width, source.y + HEIGHT / 2]
        assert end == [target.x, target.y + HEIGHT / 2]


@pytest.mark.parametrize("seed", range(12))
def test_every_step_is_behind_what_it_needs_and_on_no_other(seed):
    needs = generated(seed)
    drawing = drawn(needs)
    for step, needed in enumerate(needs):
        for other in needed:
            assert drawing.boxes[other].x + drawing.boxes[other].width < drawing.boxes[step].x
    for one, two in combinations(drawing.boxes, 2):
        assert one.x != two.x or abs(one.y - two.y) >= HEIGHT + GAP - 0.2
    for box in drawing.boxes:
        assert 0 < box.x < box.x + box.width < drawing.width
        assert 0 < box.y < box.y + box.height < drawing.height
    assert sorted(drawing.reading_order) == list(range(len(needs)))


def test_a_chain_is_a_straight_line():
    drawing = drawn(((), *((step,) for step in range(9))))
    assert {box.y for box in drawing.boxes} == {drawing.boxes[0].y}


def test_a_long_line_passes_other_steps():
    """The last step needs the first one, and the three between them."""
    drawing = drawn(((), (0,), (1,), (2,), (0, 3)))
    first, last, long = drawing.lines[3]
    assert (first, last) == (0, 4)
    height = drawing.boxes[2].y
    passed = float(re.findall(r"[\d.]+(?=h)", long)[1])
    assert not height <= passed <= height + HEIGHT


def test_a_step_that_is_needed_late_is_drawn_late():
    early, *_, late, last = drawn(((), (0,), (1,), (), (2, 3))).boxes
    assert early.x < late.x < last.x
    assert late.x + late.width + 60 > last.x


@pytest.mark.parametrize(
    ("layers", "before", "after", "least"),
    [
        ([[0, 1], [2, 3]], [[], [], [1], [0]], [[3], [2], [], []], 0),  # a cross
        ([[0, 1], [2, 3]], [[], [], [0, 1], [0, 1]], [[2, 3], [2, 3], [], []], 1),  # all with all
    ],
)
def test_crossings_are_removed_where_that_is_possible(layers, before, after, least):
    assert total_crossings(layers, after) == 1
    assert total_crossings(Ordering(layers, before, after).best(), after) == least


def test_crossings_are_counted_as_in_the_drawing():
    assert drawn(DIAMOND).crossings == 0
    assert drawn(((), (), (0, 1), (0, 1))).crossings == 1


def test_when_lines_pass_too_many_columns_the_longest_go_straight_ahead(monkeypatch):
    needs = ((), (0,), (1,), (2,), (0, 3))
    monkeypatch.setattr(layout, "MOST_PASSING", 1)
    drawing_of.cache_clear()
    drawing = drawn(needs)
    [*_, (_, _, long), _] = drawing.lines
    first, *_, last = drawing.boxes
    assert long.count("C") == 1
    assert ends(long) == (
        [first.x + first.width, first.y + HEIGHT / 2],
        [last.x, last.y + HEIGHT / 2],
    )
    drawing_of.cache_clear()


def test_an_empty_plan_and_one_of_a_single_step():
    assert drawn(()).boxes == ()
    [box] = drawn(((),)).boxes
    assert box.width > 100


def test_columns_are_as_wide_as_their_labels_up_to_a_limit():
    drawing = drawing_of((3, 20, 90), ((), (0,), (1,)))
    narrow, wide, widest = (box.width for box in drawing.boxes)
    assert narrow < wide < widest < 300


def test_the_drawing_is_the_same_in_every_process():
    needs = generated(9)
    program = (
        "from jobs.sight.layout import drawing_of;"
        f"needs = {needs}; print(drawing_of((10,) * len(needs), needs))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {str(drawn(needs))}


@pytest.mark.full
@pytest.mark.sqlite
def test_it_has_hardly_more_crossings_than_graphviz():
    """``dot`` says how many its drawing has: between columns, where long lines pass by nodes."""
    plans = [generated(seed) for seed in range(PLANS)]
    ours = sum(drawn(needs).crossings for needs in plans)
    theirs = sum(map(crossings_of_dot, plans))
    assert theirs > 0
    assert ours <= OF_DOT * theirs, f"{ours} crossings, and {theirs} of dot"


def crossings_of_dot(needs):
    steps = "".join(f"{step};" for step in range(len(needs)))
    lines = "".join(f"{other}->{step};" for step, needed in enumerate(needs) for other in needed)
    said = subprocess.run(
        ["dot", "-v", "-Tplain"],
        input=f"digraph plan {{{steps}{lines}}}",
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    return int(re.findall(r"mincross plan: (\d+) crossings", said)[-1])
