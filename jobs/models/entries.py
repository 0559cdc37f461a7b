"""What happened: the entries of the journal, and requests that take effect once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..codes import words
from ..statuses import Kind
from .fields import JSONText, cascade_first
from .jobs import Job
from .steps import Step


class Transition(models.Model):
    """A journal entry: one fact about one job, never changed after it was written."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="journal", db_index=False)
    seq = models.PositiveBigIntegerField()
    tag = models.CharField(max_length=8)  # random: in a restored database, (seq, tag) differs
    kind = models.CharField(max_length=7, choices=Kind.choices)
    step = models.ForeignKey(Step, cascade_first, null=True, related_name="journal")
    attempt = models.PositiveIntegerField(default=0)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10, blank=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150, blank=True)  # a person's name; empty: Truestep itself
    source = models.CharField(max_length=10, blank=True)  # page, admin, command, python, worker
    code = models.CharField(max_length=40, default="")  # what it means: ``codes``
    data = JSONText(default=dict)  # of that code
    reason = models.CharField(max_length=500, blank=True)  # its words in English

    class Meta:
        ordering: ClassVar = ["job", "seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "seq"], name="journal_seq_once_per_job"),
            models.CheckConstraint(condition=Q(kind__in=list(Kind)), name="journal_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind=Kind.MOVE) | (~Q(from_status="") & ~Q(to_status="")),
                name="journal_move_has_both_ends",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "to_status", "-id"], name="journal_by_kind")
        ]

    def __str__(self) -> str:
        what = f"step {self.step_id}" if self.step_id else f"job {self.job_id}"
        return f"{self.job_id}.{self.seq} {self.kind} {what} {self.from_status}→{self.to_status}"

    @property
    def words(self) -> str:
        """What it says, in the language that is active when it is shown."""
        return words(self.code, self.data, self.reason)


class Intent(models.Model):
    """Something that was asked for and done once, and what came of it; ``intents`` explains."""

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    result = JSONText(null=True)

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"intent {self.digest[:8]}"
