"""Definitions whose steps get over a crash."""

import time

from django import forms

from jobs import Concurrency
from jobs.definitions import JobDefinition, step
from jobs.slots.driver import FLUSH_SECONDS


class Sturdy(JobDefinition):
    """Three steps after one another, and one beside them; each may be tried again at once."""

    class Params(forms.Form):
        token = forms.CharField(required=False, widget=forms.PasswordInput)

    @step(retries=2, retry_delay=0)
    def first(self, run):
        run.log("first")

    @step(retries=2, retry_delay=0)
    def second(self, run): ...

    @step(retries=2, retry_delay=0)
    def third(self, run): ...

    @step(needs=[], retries=2, retry_delay=0)
    def beside(self, run): ...


class Lingering(Sturdy):
    """The same with a step that outlives the writing of its first line."""

    @step(retries=2, retry_delay=0)
    def first(self, run):
        run.log("first")
        time.sleep(3 * FLUSH_SECONDS)


class Woven(JobDefinition):
    """Steps that do not need each other, for operations that meet in one job."""

    @step(needs=[], retries=2, retry_delay=0)
    def held(self, run): ...

    @step
    def follower(self, run): ...

    @step(needs=[])
    def bad(self, run): ...

    @step
    def after_bad(self, run): ...

    @step(needs=[], retries=2, retry_delay=0)
    def waiting(self, run): ...


class PerCustomer(Sturdy):
    """One job of a customer at a time."""

    class Params(forms.Form):
        customer = forms.IntegerField()

    @classmethod
    def concurrency(cls, params):
        return Concurrency(key=f"customer-{params['customer']}")
