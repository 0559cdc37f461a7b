"""What was measured: medians over the rounds, and ratios between figures of the same round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import median

from .measure import Measured, Result
from .subjects import Subject

Figure = Callable[[Measured], float]


class Results:
    def __init__(self) -> None:
        self.missing: list[str] = []  # subjects that did not run to their end
        self._rounds: dict[str, dict[int, Result]] = defaultdict(dict)

    def add(self, subject: Subject, number: int, result: Result) -> None:
        self._rounds[subject.key][number] = result

    def of(self, subject: Subject) -> list[Result]:
        """Of each round in which the subject was measured."""
        return list(self._rounds[subject.key].values())

    def shapes(self, subject: Subject, steps: int) -> list[Measured]:
        return [result.shapes[steps] for result in self.of(subject)]

    def median(self, subject: Subject, steps: int, figure: Figure) -> float:
        return median(map(figure, self.shapes(subject, steps)))

    def ratio(self, subject: Subject, other: Subject, steps: int, figure: Figure) -> float | None:
        """The median of the subject's figure divided by the other's in the same round."""
        mine, theirs = self._rounds[subject.key], self._rounds[other.key]
        quotients = [
            figure(mine[number].shapes[steps]) / figure(theirs[number].shapes[steps])
            for number in mine.keys() & theirs.keys()
        ]
        return median(quotients) if quotients else None
