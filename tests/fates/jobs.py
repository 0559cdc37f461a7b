"""Tiny definitions named by their fate."""

import logging
import os
import signal
import subprocess
import sys
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


class Stubborn(JobDefinition):
    """Ignores being asked to stop."""

    @step
    def resist(self, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run.log("resisting")
        while True:
            time.sleep(1)


class TimesOut(JobDefinition):
    @step(timeout=0.5)
    def slow(self, run):
        time.sleep(600)

    @step
    def after_slow(self, run): ...


class Chatters(JobDefinition):
    """Prints many lines, and waits for a file after the first."""

    class Params(forms.Form):
        lines = forms.IntegerField(initial=3609)
        gate = forms.CharField(required=False)

    @step
    def chatter(self, run):
        for number in range(1, run.params["lines"] + 1):
            print(f"line {number} of the log")
            if number == 1 and run.params["gate"]:
                sys.stdout.flush()
                while not os.path.exists(run.params["gate"]):
                    time.sleep(0.01)


class Speaks(JobDefinition):
    """Says something in each way that there is."""

    @step
    def speak(self, run):
        run.log("from run.log")
        print("from print")
        logging.getLogger("some.library").warning("from logging")
        subprocess.run(["sh", "-c", "echo from a child; echo from its stderr >&2"])
        run.log("an error", level="error")
        for done in range(11):
            run.progress(done, 10, "counting")


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
