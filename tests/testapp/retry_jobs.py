"""Definitions whose steps are retried."""

import os
import signal
import time

from django import forms

from jobs.definitions import JobDefinition, step
from jobs.exceptions import NoRetry


class Flaky(JobDefinition):
    """Its second step fails as often as its parameter says, and then succeeds."""

    class Params(forms.Form):
        failures = forms.IntegerField(initial=1)

    @step
    def before(self, run):
        return 1

    @step(retries=3, retry_delay=0.05)
    def flaky(self, run):
        run.log(f"attempt {run.attempt}")
        if run.attempt <= run.params["failures"]:
            raise ConnectionError(f"failure {run.attempt}")
        return run.attempt

    @step
    def after(self, run):
        return run.results


class Choosy(JobDefinition):
    """Tries again after one kind of exception alone, and never when it says so."""

    class Params(forms.Form):
        error = forms.CharField()

    @step(retries=2, retry_delay=0, retry_on=OSError)
    def choose(self, run):
        errors = {"OSError": OSError, "TimeoutError": TimeoutError, "NoRetry": NoRetry}
        raised = [errors.get(name, ValueError)("no luck") for name in run.params["error"].split()]
        raise raised[0] if len(raised) == 1 else ExceptionGroup("no luck", raised)


class Poison(JobDefinition):
    """Kills its process each time, whatever its retries."""

    @step(retries=50, retry_delay=0)
    def kill(self, run):
        os.kill(os.getpid(), signal.SIGKILL)


class Patient(JobDefinition):
    """Waits for a file in its first attempts; may be tried again twice."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(retries=2, retry_delay=1)
    def wait(self, run):
        run.log(f"waiting in attempt {run.attempt}")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        return run.attempt

    @step
    def after(self, run): ...
