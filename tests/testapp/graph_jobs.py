"""Definitions for the tests of graph and waterfall."""

import os
import time

from django import forms

from jobs.definitions import JobDefinition, step
from tests.support.plans import generated


class ListedLateFirst(JobDefinition):
    """Its first step needs the second one."""

    @step(needs=["early"])
    def late(self, run): ...

    @step(needs=[])
    def early(self, run): ...


class GatedDiamond(JobDefinition):
    """A diamond whose steps wait for files named after them; its left one fails at first."""

    class Params(forms.Form):
        gate = forms.CharField(help_text="The files' name without the step")

    @step
    def top(self, run):
        wait_for_file(run, "top")

    @step(needs=["top"], retries=1, retry_delay=0.2)
    def left(self, run):
        wait_for_file(run, f"left{run.attempt}")
        if run.attempt == 1:
            raise ConnectionError("no answer")

    @step(needs=["top"])
    def right(self, run):
        wait_for_file(run, "right")

    @step(needs=["left", "right"])
    def bottom(self, run):
        wait_for_file(run, "bottom")


def wait_for_file(run, name):
    run.log(f"waiting in {name}")
    while not os.path.exists(f"{run.params['gate']}{name}"):
        time.sleep(0.01)


def planned(name, needs, names=()):
    """A definition with a plan given in numbers, whose steps do nothing."""
    names = names or [f"step_{number}" for number in range(len(needs))]
    steps = {
        names[number]: step(needs=[names[other] for other in needed])(lambda self, run: None)
        for number, needed in enumerate(needs)
    }
    return type(name, (JobDefinition,), steps)


FiftySteps = planned("FiftySteps", generated(24))


def pipelines(name, width):
    """A definition that splits, loads, cleans and joins: *width* steps of two kinds."""
    needs = [[], *([0] for _ in range(width)), *([1 + each] for each in range(width))]
    needs.append(range(width + 1, 2 * width + 1))
    names = ["split", *(f"{verb}_{n}" for verb in ("load", "clean") for n in range(width)), "join"]
    return planned(name, needs, names)


TenThousandAlike = pipelines("TenThousandAlike", 4999)


# Each needs two of the twenty before it.
TenThousandOthers = planned(
    "TenThousandOthers",
    [[step - 1 - step % 7, step - 9 - step % 11] if step > 20 else [] for step in range(10_000)],
)


NeedsAllBefore = planned("NeedsAllBefore", [range(step) for step in range(4)])


AllWithAll = planned("AllWithAll", [[], [], [], *[range(3)] * 3])
