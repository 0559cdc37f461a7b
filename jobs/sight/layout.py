"""Where the steps of a plan are drawn, and by which ways their dependencies lead to them.

A layered drawing, as Sugiyama described it, from left to right: each step is in a column behind all
that it needs; the order in the columns keeps crossings few (``ordering``); the heights keep lines
straight. It depends on names and needs alone and is the same in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .ordering import Layers, Ordering, total_crossings

Needs = tuple[tuple[int, ...], ...]  # of each node, the nodes that it needs, by number

HEIGHT = 44  # of a node
GAP = 14  # between two nodes of a column
LANE = 12  # what a line takes that passes a column
BETWEEN = 56  # two columns
MARGIN = 12
CHARACTER = 7.5  # the width of one, about
NARROWEST, WIDEST = 150, 232  # columns
AROUND = 40  # what a node has around its label: its sign, and room
MOST_PULLED = 300_000  # nodes that the search for short lines looks at
MOST_PASSING = 6_000  # columns that all lines together pass; longer lines go straight ahead
SWEEPS = 12  # of the search for straight ones

LAYOUTS_KEPT = 64


class Box(NamedTuple):
    """Where a node is drawn."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Drawing:
    """A graph as it is drawn, in pixels."""

    width: float
    height: float
    boxes: tuple[Box, ...]  # of each node
    lines: tuple[tuple[int, int, str], ...]  # what is needed, what needs it, and an SVG path
    reading_order: tuple[int, ...]  # nodes, column by column
    crossings: int


@lru_cache(maxsize=LAYOUTS_KEPT)
def drawing_of(labels: tuple[int, ...], needs: Needs) -> Drawing:
    """The drawing of a graph: the length of each node's label, and what each node needs.

    A node may need only nodes before it.
    """
    levels = _levels(needs)
    graph = _Layered(needs, levels)
    layers = Ordering(graph.layers, graph.before, graph.after).best()
    widths = [_width(labels[node] for node in layer if node < len(needs)) for layer in layers]
    lefts = [MARGIN + sum(widths[:at]) + BETWEEN * at for at in range(len(layers))]
    middles = _heights(layers, graph)
    boxes = tuple(
        Box(lefts[level], round(middles[node] - HEIGHT / 2, 1), widths[level], HEIGHT)
        for node, level in enumerate(levels)
    )
    real = range(len(needs))
    return Drawing(
        width=(lefts[-1] + widths[-1] if layers else 0) + MARGIN,
        height=round(max((box.y + HEIGHT for box in boxes), default=0) + MARGIN, 1),
        boxes=boxes,
        lines=tuple(
            (way[0], way[-1], _path(way, lefts, widths, graph.levels, middles))
            for way in graph.ways
        ),
        reading_order=tuple(node for layer in layers for node in layer if node in real),
        crossings=total_crossings(layers, graph.after),
    )


def _levels(needs: Needs) -> list[int]:
    """The column of each node: behind all that it needs, and so that lines are short.

    From as far left as possible, nodes are pulled to the right, together with what would be in
    their way, as long as more lines get shorter than longer.
    """
    levels: list[int] = []
    dependants: list[list[int]] = [[] for _ in needs]
    for node, needed in enumerate(needs):
        levels.append(max((levels[other] + 1 for other in needed), default=0))
        for other in needed:
            dependants[other].append(node)
    last = max(levels, default=0)
    looked, moved = 0, True
    while moved and looked < MOST_PULLED:
        moved = False
        for node in reversed(range(len(needs))):
            group = _pulled(node, levels, dependants)
            looked += len(group)
            gain = sum(
                sum(other not in group for other in dependants[each])
                - sum(other not in group for other in needs[each])
                for each in group
            )
            if gain > 0 and all(levels[each] < last for each in group):
                moved = True
                for each in group:
                    levels[each] += 1
    return levels


def _pulled(node: int, levels: list[int], dependants: list[list[int]]) -> set[int]:
    """What has to move when this node moves one column to the right."""
    group, todo = {node}, [node]
    while todo:
        each = todo.pop()
        for other in dependants[each]:
            if levels[other] == levels[each] + 1 and other not in group:
                group.add(other)
                todo.append(other)
    return group


class _Layered:
    """A graph whose lines lead from one column to the next: long ones pass by way of new nodes.

    But only the shorter ones, if there are very many. The others are drawn, and order nothing.
    """

    def __init__(self, needs: Needs, levels: Sequence[int]) -> None:
        self.levels = list(levels)
        self.before: list[list[int]] = [[] for _ in needs]
        self.after: list[list[int]] = [[] for _ in needs]
        pairs = [(other, node) for node, needed in enumerate(needs) for other in needed]
        found = {}
        for other, node in sorted(pairs, key=lambda pair: levels[pair[1]] - levels[pair[0]]):
            found[other, node] = self._way(other, node, len(needs) + MOST_PASSING)
        self.ways = [found[pair] for pair in pairs]  # the nodes by which each line leads
        self.layers: Layers = [[] for _ in range(max(levels, default=-1) + 1)]
        for node, level in enumerate(self.levels):
            self.layers[level].append(node)
        self.passing = range(len(needs), len(self.levels))  # the nodes that are lines

    def _way(self, first: int, last: int, most: int) -> list[int]:
        """Lead a line by way of new nodes, unless there are more than *most* nodes then."""
        between = range(self.levels[first] + 1, self.levels[last])
        if len(self.levels) + len(between) > most:
            return [first, last]
        way = [first, *map(self._add, between), last]
        for start, end in pairwise(way):
            self.after[start].append(end)
            self.before[end].append(start)
        return way

    def _add(self, level: int) -> int:
        self.levels.append(level)
        self.before.append([])
        self.after.append([])
        return len(self.levels) - 1


def _heights(layers: Layers, graph: _Layered) -> list[float]:
    """The middle of each node: near the middle of its neighbours, lines straight before all."""
    middles = [0.0] * len(graph.levels)
    rooms = [_rooms(layer, graph) for layer in layers]
    for layer, middles_of_layer in zip(layers, rooms, strict=True):
        for node, middle in zip(layer, middles_of_layer, strict=True):
            middles[node] = middle
    for sweep in range(SWEEPS):
        order = range(len(layers)) if sweep % 2 == 0 else reversed(range(len(layers)))
        for at in order:
            pairs = list(zip(layers[at], rooms[at], strict=True))
            found = _spread([_wanted(node, middles, graph) - room for node, room in pairs])
            for (node, room), free in zip(pairs, found, strict=True):
                middles[node] = free + room
    top = min((middles[node] - HEIGHT / 2 for node in range(graph.passing.start)), default=0)
    return [middle - top + MARGIN for middle in middles]


def _rooms(layer: list[int], graph: _Layered) -> list[float]:
    """The middles of a column's nodes when they are as close as possible."""
    sizes = [LANE if node in graph.passing else HEIGHT + GAP for node in layer]
    rooms, end = [], 0.0
    for size in sizes:
        rooms.append(end + size / 2)
        end += size
    return rooms


def _wanted(node: int, middles: list[float], graph: _Layered) -> float:
    """The mean of its neighbours; of a line that passes, where it goes on, so it is straight."""
    near = [middles[other] for other in (*graph.before[node], *graph.after[node])]
    return sum(near) / len(near) if near else middles[node]


def _spread(wanted: Iterable[float]) -> list[float]:
    """The rising numbers that are nearest to these, by the sum of squares.

    By pooling adjacent violators: what would be out of order shares its mean.
    """
    pools: list[tuple[float, int]] = []  # sum, count
    for wish in wanted:
        total, count = wish, 1
        while pools and pools[-1][0] * count > total * pools[-1][1]:
            before, many = pools.pop()
            total, count = total + before, count + many
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def _width(labels: Iterable[int]) -> float:
    widest = max(labels, default=0) * CHARACTER + AROUND
    return round(min(max(widest, NARROWEST), WIDEST))


def _path(
    way: list[int],
    lefts: list[float],
    widths: list[float],
    levels: list[int],
    middles: list[float],
) -> str:
    """A line from the right side of its first node to the left side of its last one."""
    first, last = way[0], way[-1]
    drawn = [f"M{lefts[levels[first]] + widths[levels[first]]:g} {middles[first]:.1f}"]
    for start, end in pairwise(way):
        level = levels[start]
        middle = lefts[level] + widths[level] + BETWEEN / 2
        drawn.append(
            f"C{middle:g} {middles[start]:.1f} {middle:g} {middles[end]:.1f} "
            f"{lefts[levels[end]]:g} {middles[end]:.1f}"
        )
        if end != last:
            drawn.append(f"h{widths[levels[end]]:g}")
    return "".join(drawn)
