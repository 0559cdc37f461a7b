"""Definitions that end by themselves, or wait for a file that a test makes."""

import os
import subprocess
import time

from django import forms

from jobs.definitions import JobDefinition, step


class Noop(JobDefinition):
    """Five steps that do nothing, one after another."""

    @step
    def one(self, run): ...

    @step
    def two(self, run): ...

    @step
    def three(self, run): ...

    @step
    def four(self, run): ...

    @step
    def five(self, run): ...


class Diamond(JobDefinition):
    """One step, two side by side, one that needs both."""

    @step
    def top(self, run):
        return 1

    @step(needs=["top"])
    def left(self, run):
        return run.results["top"] + 1

    @step(needs=["top"])
    def right(self, run):
        return run.results["top"] + 2

    @step(needs=["left", "right"])
    def bottom(self, run):
        return run.results


class Fails(JobDefinition):
    """The second step raises; the third needs it, the fourth does not."""

    @step
    def fine(self, run): ...

    @step
    def bad(self, run):
        raise ValueError("<b>no</b> such luck")

    @step
    def after_bad(self, run): ...

    @step(needs=["fine"])
    def sibling(self, run): ...


class Waits(JobDefinition):
    """Its steps last until a file appears: a test decides when."""

    class Params(forms.Form):
        gate = forms.CharField(help_text="The file to wait for")

    @step
    def before(self, run): ...

    @step
    def waiting(self, run):
        run.log("waiting")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        for number in range(100):
            print(f"through the gate {number}")

    @step
    def after(self, run): ...


class Hangs(JobDefinition):
    """Sleeps, with a child process that sleeps too."""

    @step
    def hang(self, run):
        run.log("hanging")
        subprocess.run(["sleep", "600"])

    @step
    def never(self, run): ...


class TimesOut(JobDefinition):
    @step(timeout=0.5)
    def slow(self, run):
        time.sleep(600)

    @step
    def after_slow(self, run): ...


class Paced(JobDefinition):
    """Steps of half a second each, side by side in pairs."""

    @step(needs=[])
    def a(self, run):
        time.sleep(0.5)

    @step(needs=[])
    def b(self, run):
        time.sleep(0.5)

    @step(needs=["a"])
    def c(self, run):
        time.sleep(0.5)

    @step(needs=["b", "c"])
    def d(self, run):
        time.sleep(0.5)


class Counts(JobDefinition):
    """Says that it is at 3 of 8, and stays there."""

    @step
    def count(self, run):
        run.progress(3, 8, "counting")
        time.sleep(600)


class Particular(JobDefinition):
    """Can be launched by one person only."""

    @classmethod
    def authorize(cls, params, *, actor, source):
        if actor != "grace":
            raise forms.ValidationError(f"not for {actor} from {source}")

    @step
    def only(self, run): ...


class TwoGates(JobDefinition):
    """Two steps that wait for the same file, side by side."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(needs=[])
    def left(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)

    @step(needs=[])
    def right(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)


class Options(JobDefinition):
    """A parameter of each kind that has a way of its own on the command line."""

    class Params(forms.Form):
        is_loud = forms.BooleanField(required=False)
        many = forms.MultipleChoiceField(choices=[(c, c) for c in "abc"])
        on = forms.DateField()

    @step
    def tell(self, run):
        return run.params | {"on": run.params["on"].isoformat()}


class StartsChildren(JobDefinition):
    """Starts one short child after another; each has to succeed."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def start(self, run):
        run.log("starting")
        while not os.path.exists(run.params["gate"]):
            subprocess.run(["sleep", "0.01"], check=True)


class Hoards(JobDefinition):
    """Takes 1 GiB of memory."""

    @step
    def hoard(self, run):
        return len(b"x" * 2**30)
