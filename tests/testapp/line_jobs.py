"""Definitions of which only some jobs run at a time."""

import os
import time
from pathlib import Path

from django import forms

from jobs import Concurrency, JobDefinition, step


class Crowded(JobDefinition):
    """Each step fails if more jobs of its room run than may."""

    class Params(forms.Form):
        rooms = forms.CharField(help_text="A directory")
        room = forms.CharField()
        at_most = forms.IntegerField()

    @classmethod
    def concurrency(cls, params):
        return Concurrency(key=params["room"], at_most=params["at_most"])

    @step
    def enter(self, run):
        self.be_inside(run)

    @step
    def stay(self, run):
        self.be_inside(run)

    def be_inside(self, run):
        room = Path(run.params["rooms"], run.params["room"])
        room.mkdir(exist_ok=True)
        inside = room / str(os.getpid())
        inside.touch()
        time.sleep(0.01)
        inside_now = len(list(room.iterdir()))
        inside.unlink()
        if inside_now > run.params["at_most"]:
            raise RuntimeError(f"{inside_now} jobs are inside")


class OneAtATime(JobDefinition):
    """Runs until a file is there; another one waits for it."""

    class Params(forms.Form):
        gate = forms.CharField()
        when_held = forms.CharField(initial="queue", required=False)

    @classmethod
    def concurrency(cls, params):
        return Concurrency(key="the {gate}", when_held=params["when_held"] or "queue")

    @step
    def wait(self, run):
        run.log("waiting")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)

    @step
    def leave(self, run): ...
