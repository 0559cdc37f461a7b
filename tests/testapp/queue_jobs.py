"""Definitions whose steps are for different queues."""

import os
import time

from django import forms

from jobs import JobDefinition, step


class Mixed(JobDefinition):
    """A chain through two queues."""

    @step
    def prepare(self, run): ...

    @step(queue="gpu")
    def train(self, run):
        return run.attempt

    @step
    def report(self, run): ...


class Trains(JobDefinition):
    """Steps side by side in one queue, and one in another."""

    @step(queue="gpu", needs=[])
    def first(self, run): ...

    @step(queue="gpu", needs=[])
    def second(self, run): ...

    @step(queue="gpu", needs=[])
    def third(self, run): ...

    @step(needs=[])
    def other(self, run): ...


class WaitsForGpu(JobDefinition):
    """Two steps side by side in one queue, each until a file appears."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(queue="gpu", needs=[])
    def first(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)

    @step(queue="gpu", needs=[])
    def second(self, run):
        self.first(run)


class Urgent(JobDefinition):
    """Starts before what was launched earlier."""

    priority = 10

    @step
    def one(self, run): ...
