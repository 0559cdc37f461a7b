"""What a step looks like on its page, and time that passes without waiting."""

from __future__ import annotations

from django.template.loader import render_to_string

from jobs.models import Step
from jobs.sight.job import context_of, read_job


def step_html(job, name):
    snapshot = read_job(job.pk)
    [row] = [row for row in snapshot.steps if row.step.name == name]
    context = context_of(snapshot) | {"row": row, "whole": True}
    return render_to_string("truestep/_step.html", context)


def rest_is_over(claimant):
    """As if the time until the next attempt had passed."""
    Step.objects.update(not_before=None)
    claimant.jobs.clear()
