"""Which steps of a big plan are drawn as one: those of a layer that are alike.

Steps are alike when their names differ in numbers only, they are as far from the beginning and from
the end of the plan, and both what they need and what needs them is alike.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from ..plan import Plan

_NUMBER = re.compile(r"\d+")

Groups = list[list[int]]  # positions of steps, in order


def groups_of(names: Sequence[str], plan: Plan[int], most: int) -> Groups | None:
    """The groups of a plan's steps, by their first step; None when they are more than *most*."""
    depths = zip(depths_of(plan), depths_of(plan, from_end=True), strict=True)
    looks = [(_NUMBER.sub("0", name), depth) for name, depth in zip(names, depths, strict=True)]
    colours = _numbered(looks)
    while len(set(colours)) <= most:
        finer = _numbered(
            [
                (
                    colour,
                    frozenset(colours[other] for other in plan.dependencies[step]),
                    frozenset(colours[other] for other in plan.dependants[step]),
                )
                for step, colour in enumerate(colours)
            ]
        )
        if len(set(finer)) == len(set(colours)):
            groups: Groups = [[] for _ in set(colours)]
            for step, colour in enumerate(colours):
                groups[colour].append(step)
            return groups
        colours = finer
    return None


def depths_of(plan: Plan[int], *, from_end: bool = False) -> list[int]:
    """How many steps are on the longest way to each step from the beginning, or from the end."""
    nearer = plan.dependants if from_end else plan.dependencies
    found = [0] * len(plan.dependencies)
    for step in reversed(plan.order) if from_end else plan.order:
        found[step] = max((found[other] + 1 for other in nearer[step]), default=0)
    return found


def _numbered(looks: Sequence[Hashable]) -> list[int]:
    """Equal things as equal numbers, in the order in which they come up."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(look, len(numbers)) for look in looks]
