"""What a night can bring."""

import time

from django import forms

from jobs.definitions import JobDefinition, step


class NightShift(JobDefinition):
    """Load tonight's export, although the network is bad."""

    class Params(forms.Form):
        export = forms.CharField(initial="exports/2026-11-24.csv", help_text="Which export to load")

    @step(needs=[])
    def fetch(self, run):
        run.log("fetched 48,211 rows")
        return 48211

    @step(needs=["fetch"], retries=4, retry_delay=0.4)
    def load(self, run):
        for row in run.track(range(48211), "loading"):
            if row == 9000 * run.attempt and run.attempt < 3:
                raise ConnectionError(f"the database closed the connection at row {row:,}")
            if row % 250 == 0:
                run.log(f"row {row:,}")
                time.sleep(0.02 if run.attempt < 3 else 0.3)

    @step(needs=["fetch"], retries=3, retry_delay=600)
    def publish(self, run):
        raise TimeoutError("https://reports.example/upload did not answer")

    @step(needs=["fetch"])
    def check(self, run):
        raise ValueError("column 'amount' has 3 rows without a number: 118, 4072, 39999")

    @step(needs=["load", "check"])
    def summarise(self, run): ...
