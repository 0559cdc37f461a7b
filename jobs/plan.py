"""A job's plan: its steps in order, and which of them each one needs. The graph is walked here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import compress
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)  # a step's name, or its id


class Plan(Generic[K]):
    """Made from each step's dependencies, in the order in which the definition lists the steps."""

    def __init__(self, needs: Mapping[K, Iterable[K]]) -> None:
        self.dependencies: dict[K, tuple[K, ...]] = {
            step: tuple(dict.fromkeys(needed)) for step, needed in needs.items()
        }
        self.dependants: dict[K, list[K]] = {step: [] for step in self.dependencies}
        for step, needed in self.dependencies.items():
            for dependency in needed:
                self.dependants[dependency].append(step)

    @cached_property
    def order(self) -> list[K]:
        """The steps, each behind all that it needs. A step that cannot start is left out."""
        unmet = {step: len(needed) for step, needed in self.dependencies.items()}
        found = [step for step, count in unmet.items() if not count]
        for step in found:  # it grows
            for dependant in self.dependants[step]:
                unmet[dependant] -= 1
                if not unmet[dependant]:
                    found.append(dependant)
        return found

    @property
    def unreachable(self) -> list[K]:
        """The steps that cannot start: they need themselves, or a step that does."""
        reachable = set(self.order)
        return [step for step in self.dependencies if step not in reachable]

    def ancestors(self, step: K) -> list[K]:
        """All that *step* needs, directly or through others. It costs no walk."""
        bits = f"{self._ancestors[step]:b}"
        return list(compress(self.order, (bit == "1" for bit in reversed(bits))))

    @cached_property
    def _ancestors(self) -> dict[K, int]:
        """The ancestors of each step, as one bit for each step in ``order``."""
        found: dict[K, int] = {}
        bit = {step: 1 << number for number, step in enumerate(self.order)}
        for step in self.order:
            found[step] = 0
            for dependency in self.dependencies[step]:
                found[step] |= found[dependency] | bit[dependency]
        return found

    def up(self, steps: Iterable[K], through: Callable[[K], bool]) -> set[K]:
        """*steps* and what they need, as far as ``through`` is true of each."""
        found: set[K] = set()
        todo = [step for step in steps if through(step)]
        while todo:
            if (step := todo.pop()) not in found:
                found.add(step)
                todo += filter(through, self.dependencies[step])
        return found

    def down(self, step: K, through: Callable[[K], bool]) -> Iterator[tuple[K, K]]:
        """(dependency, dependant) from *step* on, as long as ``through`` is true of the dependant.

        It is asked when the turn of a pair comes, so the caller can change the answer on the way.
        """
        todo = [step]
        while todo:
            dependency = todo.pop()
            for dependant in self.dependants[dependency]:
                if through(dependant):
                    yield dependency, dependant
                    todo.append(dependant)
