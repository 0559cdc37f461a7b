"""Definitions for tests of a project whose rows are not in Truestep's database."""

import os
import time

from django import forms
from django.contrib.auth.models import User
from django.db import transaction

from jobs.definitions import JobDefinition, step


class HoldsTheProject(JobDefinition):
    """Writes to the project's database, and commits when a file appears."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def hold(self, run):
        with transaction.atomic():
            User.objects.update(last_name="held")
            run.log("holding")
            while not os.path.exists(run.params["gate"]):
                time.sleep(0.01)

    @step
    def after_hold(self, run):
        return User.objects.filter(last_name="held").count()
