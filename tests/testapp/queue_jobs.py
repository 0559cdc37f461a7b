"""Definitions whose steps are for different queues."""

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


class Urgent(JobDefinition):
    """Starts before what was launched earlier."""

    priority = 10

    @step
    def one(self, run): ...
