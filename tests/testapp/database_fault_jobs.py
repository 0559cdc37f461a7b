"""Definitions for tests of databases that misbehave."""

import os
import subprocess
import time

from django import forms
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

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
    """Runs for longer than it may."""

    @step(timeout=3)
    def overrun(self, run):
        run.log("sleeping")
        subprocess.run(["sleep", "600"])


class Hoard(JobDefinition):
    """Writes to the project's database in one transaction, until a file is there."""

    class Params(forms.Form):
        gate = forms.CharField()
        lock = forms.CharField(required=False)  # SQL to begin with

    @step
    def write(self, run):
        gate = run.params["gate"]
        with transaction.atomic(), connection.cursor() as cursor:
            if run.params["lock"]:
                cursor.execute(run.params["lock"])
            with open(f"{gate}.new", "w") as held:
                held.write(str(os.getpid()))
            rows = 0
            while not os.path.exists(gate):
                Session.objects.create(session_key=f"{rows}", expire_date=timezone.now())
                rows += 1
                if rows == 1:  # it holds the lock now
                    os.rename(f"{gate}.new", f"{gate}.held")
                time.sleep(0.02)
        return rows
