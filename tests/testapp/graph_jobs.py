"""Definitions for the tests of graph and waterfall."""

import os
import time

from django import forms

from jobs.definitions import JobDefinition, step


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
