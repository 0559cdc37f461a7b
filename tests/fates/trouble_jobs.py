"""Definitions for tests of databases that misbehave."""

import os
import subprocess
import time

from django import forms

from jobs.definitions import JobDefinition, step


class Bulky(JobDefinition):
    """Waits for a file, then returns more than fits into the pages that are free."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def bulk(self, run):
        run.log("waiting")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        return "x" * 300_000

    @step
    def after_bulk(self, run):
        return len(run.results["bulk"])


class Brief(JobDefinition):
    """Goes on for longer than it may."""

    @step(timeout=3)
    def overrun(self, run):
        run.log("sleeping")
        subprocess.run(["sleep", "600"])
