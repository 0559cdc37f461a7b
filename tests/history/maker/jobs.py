"""Definitions whose steps end in every way that an attempt can end."""

import os
import signal
import sys
import time

from django import forms

from jobs.definitions import JobDefinition, step
from jobs.exceptions import NoRetry


def wait(run, seconds=60.0):
    """Run until a sign: a file named for the job and step, or a cancel."""
    sign = os.path.join(os.environ["SIGNS"], run.idempotency_key.replace(":", "-"))
    end = time.monotonic() + seconds
    while not os.path.exists(sign) and time.monotonic() < end:
        time.sleep(0.02)


class Import(JobDefinition):
    """It reads, loads and reports."""

    class Params(forms.Form):
        path = forms.CharField()
        rows = forms.IntegerField(initial=3)

    @step
    def fetch(self, run):
        run.log(f"opening {run.params['path']}")
        print("\x1b[32mgreen\x1b[0m and\ttabbed, 'quoted', \"twice\": done")
        return {"rows": run.params["rows"], "note": 'a "quoted" name:\nsecond line', "π": 3.14}

    @step
    def load(self, run):
        for row in run.track(range(run.results["fetch"]["rows"]), "loading"):
            run.log(f"row {row}", level="warning" if row == 1 else "info")

    @step(needs=["fetch"])
    def report(self, run):
        return ["größer", None, True]


class Breaks(JobDefinition):
    """A branch fails; its sibling succeeds."""

    @step(needs=[])
    def größe_messen(self, run):
        raise ValueError('it\'s "bad": no\nsecond line, \u202egnp.exe')

    @step
    def 集計(self, run): ...  # noqa: N802

    @step
    def שלב(self, run): ...  # noqa: N802

    @step
    def after_that(self, run): ...

    @step(needs=[])
    def sibling(self, run): ...


def _odd(self, run):
    raise RuntimeError("odd")


class Odd(JobDefinition):
    """A step whose name reads like a sentence of the history."""


setattr(Odd, "x, which was not successful; retry 1 of 2 in 3 s: it's", step(_odd))


@step
def _after_odd(self, run): ...


setattr(Odd, "needs 'y'", _after_odd)


class Waits(JobDefinition):
    @step
    def before(self, run): ...

    @step
    def waiting(self, run):
        wait(run)
        return "waited"

    @step
    def after(self, run): ...


class WaitsAndRetries(JobDefinition):
    @step(retries=1, retry_delay=0.1)
    def waiting(self, run):
        wait(run)

    @step
    def after(self, run): ...


class Flaky(JobDefinition):
    @step(retries=2, retry_delay=0.1)
    def flaky(self, run):
        run.log(f"attempt {run.attempt}")
        if run.attempt % 3:
            raise OSError("not yet")
        return run.attempt

    @step
    def after(self, run): ...


class Pauses(JobDefinition):
    @step(retries=5, retry_delay=3600)
    def pause(self, run):
        raise ConnectionError("away")


class Hopeless(JobDefinition):
    @step(retries=5)
    def only(self, run):
        raise NoRetry("no further attempt would help")


class Exits(JobDefinition):
    @step
    def only(self, run):
        sys.exit("I am leaving")


class Unusable(JobDefinition):
    @step(needs=[])
    def returns_a_set(self, run):
        return {1, 2}

    @step(needs=[])
    def is_told_to_stop(self, run):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)


class TimesOut(JobDefinition):
    @step(timeout=0.2)
    def slow(self, run):
        time.sleep(30)

    @step(needs=[], timeout=0.2, retries=1, retry_delay=0)
    def slow_twice(self, run):
        time.sleep(30)


class Dies(JobDefinition):
    @step(needs=[])
    def once(self, run):
        os.kill(os.getpid(), signal.SIGKILL)

    @step(needs=[], retries=9, retry_delay=0)
    def each_time(self, run):
        os.kill(os.getpid(), signal.SIGKILL)


class Repairable(JobDefinition):
    """It succeeds once somebody has repaired what it needs."""

    @step(needs=[])
    def left(self, run):
        self._ask(run)

    @step(needs=[])
    def right(self, run):
        self._ask(run)

    @step(needs=["left", "right"])
    def both(self, run): ...

    def _ask(self, run):
        if not os.path.exists(os.path.join(os.environ["SIGNS"], "repaired")):
            raise FileNotFoundError("repaired")


if os.environ.get("WITH_STRANGER"):

    class Stranger(JobDefinition):
        """No worker knows it."""

        @step
        def it_s_own(self, run): ...

        @step
        def after(self, run): ...
