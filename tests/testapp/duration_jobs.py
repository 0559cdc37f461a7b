"""Definitions that take as long as they are told to."""

import time

from django import forms

from jobs.definitions import JobDefinition, step


class Takes(JobDefinition):
    """Its first step takes so many seconds, the others almost none."""

    class Params(forms.Form):
        seconds = forms.FloatField(initial=0)

    @step
    def prepare(self, run):
        run.log("preparing")
        time.sleep(run.params["seconds"])

    @step
    def load(self, run): ...


class Bounded(JobDefinition):
    """Has to end soon, and its first step may be retried."""

    deadline = 100

    @step(retries=3, warn_after=7)
    def first(self, run): ...

    @step(needs=[])
    def beside(self, run): ...

    @step(needs=["first", "beside"])
    def last(self, run): ...


class Expires(JobDefinition):
    """Runs until its deadline; one step first runs for longer than it should."""

    deadline = 3

    @step(warn_after=0.2, retries=1)
    def work(self, run):
        run.log("working")
        time.sleep(600)

    @step
    def after(self, run): ...


class Elsewhere(JobDefinition):
    """Waits for a worker of a queue that no one serves, until its deadline."""

    deadline = 1

    @step(queue="nowhere")
    def work(self, run): ...


class Plods(JobDefinition):
    """A step that is marked soon."""

    @step(warn_after=1)
    def plod(self, run):
        run.log("plodding")
        time.sleep(600)
