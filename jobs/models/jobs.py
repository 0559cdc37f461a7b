"""A job: one run of a definition."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from .. import conf
from ..concurrency import LONGEST_KEY
from ..definitions.parameters import has_secrets
from ..statuses import JOB_STATUSES, TERMINAL, UNFINISHED, Status
from .fields import JSONText

UNFINISHED_STATUSES = [status for status in JOB_STATUSES if status in UNFINISHED]


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(status__in=UNFINISHED)


class Job(models.Model):
    """One run of a definition; its parameters as understood and its plan are frozen at launch."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    definition = models.CharField(max_length=100)
    params = JSONText(default=dict)  # what was typed: {control of the form: [text, …]}
    understood = JSONText(null=True)  # what the form made of it; NULL: of an older release
    sealed = models.TextField(blank=True, default="", db_default="")  # secrets, until it has ended
    priority = models.SmallIntegerField(default=0, db_default=0)  # higher ones start first
    # The concurrency key, and how many jobs may hold it. The number is 0 while the job waits for
    # it, and from 1 on once it holds it; NULL: there is no key.
    key = models.CharField(max_length=LONGEST_KEY, blank=True, default="", db_default="")
    at_most = models.PositiveSmallIntegerField(default=0, db_default=0)
    key_number = models.PositiveSmallIntegerField(null=True)
    key_since = models.DateTimeField(null=True)  # when it began to wait for the key, or got it
    status = models.CharField(
        max_length=10, choices=[(s, s.label) for s in JOB_STATUSES], default=Status.PENDING
    )
    seq = models.PositiveBigIntegerField(default=1)
    tag = models.CharField(max_length=8, default="")  # of the journal entry at seq
    cancel_requested = models.BooleanField(default=False)
    again_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")
    traceparent = models.TextField(null=True)  # of the trace that launched it, as W3C writes it
    code_version = models.CharField(max_length=conf.VERSION, blank=True, default="", db_default="")
    deadline = models.FloatField(null=True)  # seconds from the launch, or from a person's retry
    deadline_at = models.DateTimeField(null=True)  # NULL, too, after a person's cancel
    due_at = models.DateTimeField(null=True)  # when a sweep warns of the deadline, then cancels
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        permissions: ClassVar = [
            ("launch_job", "Can launch a job"),
            ("control_job", "Can cancel and retry a job"),
            ("view_log", "Can read the logs of steps"),
            ("view_stack", "Can see where running steps are in their code"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=JOB_STATUSES), name="job_status_known"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="job_seq_from_1"),
            models.CheckConstraint(
                condition=Q(status__in=TERMINAL, ended_at__isnull=False)
                | (~Q(status__in=TERMINAL) & Q(ended_at__isnull=True)),
                name="job_ended_at_iff_terminal",
            ),
            # A key has so many numbers, and an unfinished job each: no more jobs can hold it.
            models.UniqueConstraint(
                fields=["key", "key_number"],
                condition=Q(key_number__gt=0, status__in=UNFINISHED_STATUSES),
                name="job_key_number_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "id"], name="job_by_status"),
            models.Index(fields=["definition", "id"], name="job_by_definition"),
            models.Index(fields=["definition", "status", "id"], name="job_by_both"),
            models.Index(
                fields=["status", "key", "-priority", "id"],
                condition=Q(key_number=0),
                name="job_in_line",
            ),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="job_due"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk} ({self.definition})"

    def get_absolute_url(self) -> str:
        return reverse("truestep:job", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def lacks_secrets(self) -> bool:
        """Whether its secret parameters are gone, without which no step of it can run."""
        return not self.sealed and bool(self.understood) and has_secrets(self.understood)

    @property
    def awaits_key(self) -> bool:
        """Whether it waits in line for its key; then none of its steps is ready."""
        return self.key_number == 0 and not self.is_finished
