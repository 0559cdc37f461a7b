"""Who runs steps, and what came of it: workers, attempts, logs."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .. import conf
from ..statuses import Verdict, Wanted
from .fields import JSONText, cascade_first
from .jobs import Job
from .queues import Order
from .steps import Step


class Worker(models.Model):
    """A process that runs steps. It holds a lock on *lock_path* for as long as it lives."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    queues = JSONText(default=dict, db_default={})  # {name: slots at most, or null}; {}: all
    only_job = models.ForeignKey(Job, cascade_first, null=True, related_name="+")
    knows = JSONText(default=dict)  # {definition: [step name, …]}
    code_version = models.CharField(max_length=conf.VERSION, blank=True, default="", db_default="")
    lock_path = models.CharField(max_length=500)
    beats = models.PositiveBigIntegerField(default=0)
    beat_at = models.DateTimeField(default=timezone.now)  # to be shown; nothing is decided by it
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)
    wanted = models.CharField(
        max_length=5, choices=Wanted.choices, default=Wanted.WORK, db_default=Wanted.WORK
    )
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        permissions: ClassVar = [("control_worker", "Can drain and stop a worker")]
        indexes: ClassVar = [
            models.Index(fields=["stopped_at"], condition=Q(stopped_at=None), name="worker_lives")
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Attempt(models.Model):
    """One execution of a step. Old attempts are kept."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()  # 1, 2, 3 …
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, related_name="attempts")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=11, blank=True, choices=Verdict.choices)
    result = JSONText(null=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    # What its process used: ``usage.Usage``.
    exit_code = models.IntegerField(null=True)
    peak_memory = models.PositiveBigIntegerField(null=True)
    peak_is_shared = models.BooleanField(default=False, db_default=False)
    cpu_seconds = models.FloatField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["step", "number"], name="attempt_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="attempt_from_1"),
            models.CheckConstraint(
                condition=Q(ended_at=None, verdict="") | (~Q(ended_at=None) & ~Q(verdict="")),
                name="attempt_verdict_iff_ended",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["verdict", "-id"], name="attempt_by_verdict")]

    def __str__(self) -> str:
        return f"attempt {self.number} of step {self.step_id}"


class LogChunk(models.Model):
    """Some consecutive lines of a step's log, all of one attempt; numbered 1..n per step."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="log", db_index=False)
    attempt = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    text = models.TextField()  # the lines, joined by newlines
    levels = models.TextField()  # one letter a line: d, i, w, e, c
    times = JSONText()  # one number a line: milliseconds since 1970, UTC
    # How the first line begins: its style, as parameters of SGR, and the number of the line with
    # which the group that it is in has begun (0: in none).
    style = models.TextField(default="", db_default="")
    in_group = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        ordering: ClassVar = ["step", "first"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["step", "first"], name="log_first_once_per_step"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="log_last_from_first"),
        ]

    def __str__(self) -> str:
        return f"lines {self.first}–{self.last} of step {self.step_id}"

    def lines(self) -> list[str]:
        return self.text.split("\n")


class StackRequest(models.Model):
    """A person's question where a running step is, and its worker's answer. No part of history."""

    step = models.OneToOneField(
        Step, models.CASCADE, primary_key=True, related_name="stack_request"
    )
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = JSONText(null=True)

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"stack of step {self.step_id}"
