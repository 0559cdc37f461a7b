"""Definitions for the tests of what a person sees of retries."""

import os
import time

from django import forms

from jobs.definitions import JobDefinition, step


class AsksWhy(JobDefinition):
    """Its parameters are named like what the launch page itself sends."""

    class Params(forms.Form):
        why = forms.CharField()

        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.fields["again"] = forms.CharField()

    @step
    def answer(self, run):
        return run.params["why"]


class Rests(JobDefinition):
    """Fails in its first two attempts, as soon as a file says so, and rests a while after each."""

    class Params(forms.Form):
        gate = forms.CharField(required=False, help_text="The files' name without the attempt")

    @step(retries=3, retry_delay=2)
    def rest(self, run):
        run.log(f"trying for the {run.attempt}. time")
        while not os.path.exists(f"{run.params['gate']}{run.attempt}"):
            time.sleep(0.01)
        if run.attempt < 3:
            raise ConnectionError(f"no answer to attempt {run.attempt}")


class Mendable(JobDefinition):
    """Its second step fails until a file exists; then a person may retry it."""

    class Params(forms.Form):
        file = forms.CharField()

    @step
    def before(self, run):
        return 1

    @step
    def mend(self, run):
        run.log(f"looking, in attempt {run.attempt}")
        if not os.path.exists(run.params["file"]):
            raise FileNotFoundError("there is no such file yet")

    @step
    def after(self, run): ...


class SlowOnce(JobDefinition):
    """Its first attempt runs out of time, the second one does not."""

    @step(timeout=1, retries=1, retry_delay=1)
    def work(self, run):
        time.sleep(600 if run.attempt == 1 else 0.5)  # long enough for a page to show it


class MendableBeside(JobDefinition):
    """One step fails until there is a file, the other one waits for another file."""

    class Params(forms.Form):
        file = forms.CharField()
        gate = forms.CharField()

    @step(needs=[])
    def mend(self, run):
        if not os.path.exists(run.params["file"]):
            raise FileNotFoundError("there is no such file yet")

    @step(needs=[])
    def wait(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)


class TalksAgain(JobDefinition):
    """Says much in its first attempt, which fails, and in its second, which waits for a file."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(retries=1, retry_delay=0.3)
    def talk(self, run):
        for number in range(60):
            run.log(f"line {number} of attempt {run.attempt}")
        if run.attempt == 1:
            raise ConnectionError("no answer")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
