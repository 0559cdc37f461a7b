"""What can be run: a class with steps and parameters, written by the user; and the registry of it.

    class NightlyImport(JobDefinition):
        class Params(forms.Form):
            path = forms.CharField(help_text="Export file")

        @step
        def fetch(self, run): ...

        @step(timeout=60)
        def load(self, run): ...

``base`` is what a user writes, ``registry`` lists what was written, ``problems`` says what is wrong
with it. A launch is read by the definition's form (``parameters``), control by control
(``controls``), and kept so that the same values come back (``values``).
"""

from .base import JobDefinition, StepDefinition, step
from .problems import problems, where
from .registry import autodiscover, get, known_steps, registered

__all__ = [
    "JobDefinition",
    "StepDefinition",
    "autodiscover",
    "get",
    "known_steps",
    "problems",
    "registered",
    "step",
    "where",
]
