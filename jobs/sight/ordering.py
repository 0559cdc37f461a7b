"""The order of a graph's nodes within their layers, with few crossings between its edges.

The graph is in layers, and each edge leads to the next one. To find the order with the fewest
crossings is NP-hard. As is usual, layers are sorted by the median of each node's neighbours, one
way and then the other; then neighbours change places where that removes crossings. The best order
that came up wins. What it costs is counted, not timed, so equal graphs get equal orders.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

Layers = list[list[int]]  # nodes, from one side to the other
Neighbours = Sequence[Sequence[int]]  # of each node, in the layer before or after

ROUNDS = 60
PATIENCE = 20  # rounds without a better order
MOST_WORK = 600_000  # ends of edges that are compared, from each beginning


class Ordering:
    """Orders the layers of one graph."""

    def __init__(self, layers: Layers, before: Neighbours, after: Neighbours) -> None:
        self._before, self._after = before, after
        self._layers = [list(layer) for layer in layers]
        self._place = [0] * len(before)
        self._work = 0

    def best(self) -> Layers:
        """The layers in the best order found from two beginnings, one at each side of the graph."""
        beginnings = [self._walked(self._layers, self._after)]
        beginnings.append(self._walked(self._layers[::-1], self._before)[::-1])
        found = [self._improved(layers) for layers in beginnings]
        return min(found, key=lambda each: each[0])[1]

    def _walked(self, layers: Layers, onward: Neighbours) -> Layers:
        """The nodes of each layer as a depth-first walk finds them, which keeps trees together."""
        level = {node: number for number, layer in enumerate(layers) for node in layer}
        walked: Layers = [[] for _ in layers]
        seen: set[int] = set()
        todo = [node for layer in reversed(layers) for node in reversed(layer)]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                walked[level[node]].append(node)
                todo.extend(reversed(onward[node]))
        return walked

    def _improved(self, layers: Layers) -> tuple[int, Layers]:
        """The best order that comes up from this one, and its crossings."""
        self._layers, self._work = layers, 0
        for layer in layers:
            self._number(layer)
        fewest, best = self._crossings(), [list(layer) for layer in layers]
        misses = 0
        for number in range(ROUNDS):
            if not fewest or misses == PATIENCE or self._work > MOST_WORK:
                break
            self._sort(is_down=number % 2 == 0, keeps_ties=number % 4 < 2)
            self._exchange(also_equal=number % 2 == 0)
            crossings = self._crossings()
            misses = misses + 1 if crossings >= fewest else 0
            if crossings < fewest:
                fewest, best = crossings, [list(layer) for layer in self._layers]
        return fewest, best

    def _sort(self, *, is_down: bool, keeps_ties: bool) -> None:
        """Sort each layer by the medians of the one that was sorted before it."""
        layers = self._layers if is_down else self._layers[::-1]
        neighbours = self._before if is_down else self._after
        for layer in layers[1:]:
            self._sort_layer(layer, neighbours, keeps_ties)
            self._number(layer)

    def _sort_layer(self, layer: list[int], neighbours: Neighbours, keeps_ties: bool) -> None:
        """A node without neighbours keeps its place, between the others."""
        medians = {node: self._median(neighbours[node]) for node in layer if neighbours[node]}
        if not keeps_ties:
            layer.reverse()
        movable = iter(sorted(medians, key=medians.__getitem__))
        layer[:] = [next(movable) if node in medians else node for node in layer]

    def _median(self, nodes: Iterable[int]) -> float:
        """Of two, between them; of an even number, nearer to where they are dense."""
        places = sorted(map(self._place.__getitem__, nodes))
        middle = len(places) // 2
        if len(places) % 2:
            return places[middle]
        left, right = places[middle - 1] - places[0], places[-1] - places[middle]
        if len(places) == 2 or left + right == 0:
            return (places[middle - 1] + places[middle]) / 2
        return (places[middle - 1] * right + places[middle] * left) / (left + right)

    def _exchange(self, *, also_equal: bool) -> None:
        """Let neighbours change places as long as that removes crossings.

        At first also where it makes no difference: from there a better order may be near.
        """
        gained = True
        while gained and self._work <= MOST_WORK:
            gained = False
            for layer in self._layers:
                for at in range(len(layer) - 1):
                    change = self._change(layer[at], layer[at + 1])
                    if change < 0 or (also_equal and not change):
                        layer[at], layer[at + 1] = layer[at + 1], layer[at]
                        self._place[layer[at]], self._place[layer[at + 1]] = at, at + 1
                        gained |= change < 0
            also_equal = False

    def _change(self, left: int, right: int) -> int:
        """How many crossings there are more when these neighbours change places."""
        change = 0
        for neighbours in (self._before, self._after):
            if neighbours[left] and neighbours[right]:
                ours = sorted(map(self._place.__getitem__, neighbours[left]))
                theirs = sorted(map(self._place.__getitem__, neighbours[right]))
                self._work += len(ours) + len(theirs)
                change += sum(bisect_left(ours, place) for place in theirs)
                change -= sum(len(ours) - bisect_right(ours, place) for place in theirs)
        return change

    def _number(self, layer: list[int]) -> None:
        for place, node in enumerate(layer):
            self._place[node] = place

    def _crossings(self) -> int:
        return sum(crossings(upper, self._after, self._place.__getitem__) for upper in self._layers)


def crossings(layer: Iterable[int], after: Neighbours, place: Callable[[int], int]) -> int:
    """How many pairs of edges cross between a layer and the next one."""
    count = 0
    seen: list[int] = []
    for node in layer:
        ends = sorted(place(other) for other in after[node])
        count += sum(len(seen) - bisect_right(seen, end) for end in ends)
        for end in ends:
            insort(seen, end)
    return count


def total_crossings(layers: Layers, after: Neighbours) -> int:
    """How many pairs of edges cross in the whole graph."""
    total = 0
    for upper, lower in pairwise(layers):
        places = {node: place for place, node in enumerate(lower)}
        total += crossings(upper, after, places.__getitem__)
    return total
