"""What a sweep expects of a chore."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Chore(Protocol):
    """Something that a worker looks after for all workers.

    Several workers may do the same chore at the same moment: of two that find the same, the first
    commit wins, and the other one changes nothing.
    """

    @property
    def is_idle(self) -> bool:
        """Whether only a commit can give it something to do; it is not run until there is one."""

    @property
    def due_at(self) -> float:
        """When it has to run, if that is before the next regular sweep; else ``math.inf``.

        In monotonic seconds. A moment in the past asks for the next sweep as soon as possible.
        """

    def run(self, held: Collection[int]) -> None:
        """Look once, and do what there is to do. *held* are the steps that this worker runs."""
