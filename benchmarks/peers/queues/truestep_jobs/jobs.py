"""Jobs of one and of five steps that do nothing."""

from __future__ import annotations

import durability
import in_django

from jobs import JobDefinition, step
from jobs.runner import Run


class OneStep(JobDefinition):
    @step
    def first(self, run: Run) -> None:
        pass


class FiveSteps(JobDefinition):
    @step
    def first(self, run: Run) -> None:
        pass

    @step
    def second(self, run: Run) -> None:
        pass

    @step
    def third(self, run: Run) -> None:
        pass

    @step
    def fourth(self, run: Run) -> None:
        pass

    @step
    def fifth(self, run: Run) -> None:
        pass


class Tell(JobDefinition):
    """A step's connection is made like its worker's, from the same settings."""

    @step
    def only(self, run: Run) -> None:
        durability.tell(in_django.ask)
