"""What ``tests/machine`` launches and never runs, and a step that holds its interpreter."""

import re

from jobs.definitions import JobDefinition, step


class MachineChain(JobDefinition):
    """Three steps, one after another; the second may be tried again, after a while."""

    @step
    def first(self, run): ...

    @step(retries=2, retry_delay=10)
    def second(self, run): ...

    @step
    def third(self, run): ...


class MachineDiamond(JobDefinition):
    """One step, two side by side, one that needs both."""

    @step
    def top(self, run): ...

    @step(needs=["top"], retries=1, retry_delay=0, queue="gpu")
    def left(self, run): ...

    @step(needs=["top"])
    def right(self, run): ...

    @step(needs=["left", "right"])
    def bottom(self, run): ...


class MachineFan(JobDefinition):
    """Three steps side by side, and one that needs all of them."""

    @step(needs=[], retries=9, retry_delay=1)
    def a(self, run): ...

    @step(needs=[], queue="gpu")
    def b(self, run): ...

    @step(needs=[], timeout=5, queue="gpu")
    def c(self, run): ...

    @step(needs=["a", "b", "c"])
    def last(self, run): ...


class MachineStranger(JobDefinition):
    """No worker of the machine knows it."""

    @step
    def unknown(self, run): ...

    @step
    def after_unknown(self, run): ...


class Hog(JobDefinition):
    """One C call that holds the interpreter for ages."""

    @step
    def match(self, run):
        run.log("matching")
        re.match(r"(a+)+b", "a" * 60)
