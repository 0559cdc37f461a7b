"""Definitions: classes with steps and parameters that users write, and their registry.

    class NightlyImport(JobDefinition):
        class Params(forms.Form):
            path = forms.CharField(help_text="Export file")

        @step
        def fetch(self, run): ...

        @step(timeout=60)
        def load(self, run): ...

``base`` has what a user writes, ``registry`` lists it, ``problems`` says what is wrong with it. The
definition's form reads a launch (``parameters``, ``controls``), and the job keeps what the form
understood so that the same values come back (``values``).
"""

from .base import JobDefinition, StepDefinition, is_priority, step
from .problems import problems, where
from .registry import autodiscover, get, have_secrets, known_steps, queues, registered

__all__ = [
    "JobDefinition",
    "StepDefinition",
    "autodiscover",
    "get",
    "have_secrets",
    "is_priority",
    "known_steps",
    "problems",
    "queues",
    "registered",
    "step",
    "where",
]
