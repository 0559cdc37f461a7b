"""The list page's filter. The launch form is the definition's own ``Params``."""

from __future__ import annotations

from django import forms

from .models import JobQuerySet
from .statuses import JOB_STATUSES


class JobFilter(forms.Form):
    """``?status=…&definition=…``; a value that means nothing selects nothing."""

    status = forms.ChoiceField(
        choices=[("", "any"), *((status, status.value) for status in JOB_STATUSES)], required=False
    )
    definition = forms.CharField(max_length=100, required=False)

    def select(self, jobs: JobQuerySet) -> JobQuerySet:
        if not self.is_valid():
            return jobs.none()
        wanted = {field: value for field, value in self.cleaned_data.items() if value}
        return jobs.filter(**wanted)
