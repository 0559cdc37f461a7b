"""A job's steps, and which of them each one needs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .. import conf
from ..queues import DEFAULT_QUEUE
from ..statuses import CRASHES, Status, Verdict
from ..text import isolated
from .jobs import Job
from .queues import Queue

FREE = {"status": Status.PENDING, "waiting": 0}  # a step that may start, once it is due


class StepQuerySet(models.QuerySet["Step"]):
    def ready(self) -> StepQuerySet:
        """Steps that a worker may start now: free, due, not paused, no cancel requested.

        Workers ask the same by ``ready_steps``.
        """
        is_due = Q(not_before=None) | Q(not_before__lte=timezone.now())
        paused = Queue.objects.filter(is_paused=True).values("name")
        return self.filter(is_due, **FREE, job__cancel_requested=False).exclude(queue__in=paused)

    def running(self) -> StepQuerySet:
        """Steps that a worker holds. None of them waits, and to say so leads to an index."""
        return self.filter(status=Status.RUNNING, waiting=0)


class Step(models.Model):
    """One unit of a job."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="steps", db_index=False)
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField()  # 0, 1, 2 … as written in the definition
    timeout = models.FloatField(null=True)  # seconds
    warn_after = models.FloatField(null=True)  # seconds
    retries = models.PositiveIntegerField(default=0)  # further attempts, after one that is charged
    retry_delay = models.FloatField(default=0)  # seconds before the first of them
    queue = models.CharField(max_length=100, default=DEFAULT_QUEUE, db_default=DEFAULT_QUEUE)
    rank = models.SmallIntegerField(default=0, db_default=0)  # minus its job's priority
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    seq = models.PositiveBigIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=0)  # number of the current one; 0: never started
    fence = models.PositiveBigIntegerField(default=0)  # +1 at every move; every write carries it
    tag = models.CharField(max_length=8, default="")  # … and this: the tag of that move's entry
    failures = models.PositiveIntegerField(default=0)  # attempts charged, since a person's retry
    crashes = models.PositiveIntegerField(default=0)  # those of them that took their process along
    interruptions = models.PositiveIntegerField(default=0)  # not charged, since a person's retry
    not_before = models.DateTimeField(null=True)  # pending: when the next attempt may begin
    waiting = models.PositiveIntegerField(default=0)  # needed steps that have not succeeded yet

    # Volatile: changes without a journal entry, under the fence.
    done = models.FloatField(null=True)
    total = models.FloatField(null=True)
    progress_text = models.CharField(max_length=200, blank=True)
    log_lines = models.PositiveBigIntegerField(default=0)
    log_warnings = models.PositiveBigIntegerField(default=0, db_default=0)  # of this attempt …
    log_errors = models.PositiveBigIntegerField(default=0, db_default=0)  # … and lines of errors,
    error_line = models.PositiveBigIntegerField(default=0, db_default=0)  # the last: its number
    open_line = models.TextField(default="", db_default="")  # running: its newline is to come

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["job", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "name"], name="step_name_once_per_job"),
            models.UniqueConstraint(fields=["job", "position"], name="step_position_once_per_job"),
            models.CheckConstraint(condition=Q(status__in=list(Status)), name="step_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.RUNNING, Status.SUCCEEDED])
                | Q(attempt__gte=1, waiting=0),
                name="step_ran_only_when_ready",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.PENDING) | Q(not_before=None),
                name="step_not_before_only_while_pending",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["job", "seq"], name="step_changed_since"),
            models.Index(fields=["status", "waiting", "job", "position"], name="step_ready"),
            models.Index(
                fields=["queue", "status", "waiting", "rank", "job", "position"],
                name="step_in_queue",
            ),
            models.Index(fields=["status", "-id"], name="step_by_status"),
            models.Index(
                fields=["not_before"], condition=Q(not_before__isnull=False), name="step_pausing"
            ),
        ]

    def __str__(self) -> str:
        return f"step {isolated(self.name)} of job {self.job_id}"

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    @property
    def is_free(self) -> bool:
        """Whether it waits for nothing, except for its retry time: see ``StepQuerySet.ready``."""
        return all(getattr(self, column) == value for column, value in FREE.items())

    def is_due(self, now: datetime) -> bool:
        """Whether it waits for no retry time."""
        return self.not_before is None or self.not_before <= now

    def has_retry_left(self, verdict: Verdict) -> bool:
        """Whether a retry is left after an attempt that ends with this verdict."""
        crashes = self.crashes + (verdict in CRASHES)
        return self.failures < self.retries and crashes < conf.knobs().crashes

    @property
    def may_be_interrupted(self) -> bool:
        """Whether an interrupted attempt is followed by another one, and is not charged."""
        return self.interruptions < conf.knobs().crashes

    @property
    def last_attempt(self) -> int:
        """The number of the last attempt that its retries allow, if no more is requeued."""
        is_charged = self.status == Status.PENDING  # a running attempt is not charged yet
        return self.attempt + is_charged + self.retries - self.failures


class Need(models.Model):
    """A dependency in the plan: *step* starts only after *needed* has succeeded."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="needs", db_index=False)
    needed = models.ForeignKey(Step, models.CASCADE, related_name="dependants")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["step", "needed"], name="need_once"),
            models.CheckConstraint(condition=~Q(step=F("needed")), name="need_of_another_step"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} needs {self.needed_id}"
