"""The rows: what a job is, and everything that happened to it.

``journal`` is the only writer of a status; triggers in the database see to that. A
``seq`` is the per-job number of a journal entry; a row stamped by an entry carries its seq, so
"what changed since seq N?" is one indexed question.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from . import conf
from .codes import words
from .statuses import CRASHES, JOB_STATUSES, TERMINAL, UNFINISHED, Kind, Status, Verdict
from .text import isolated


class JSONText(models.JSONField):
    """JSON kept as its very text: numbers and the order of keys come back alike everywhere."""

    def get_internal_type(self) -> str:
        return "TextField"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        return None if value is None else json.dumps(value, allow_nan=False)


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(status__in=UNFINISHED)

    def newest_first(self) -> JobQuerySet:
        return self.order_by("-pk")


class Job(models.Model):
    """One run of a definition; its parameters as understood and its plan are frozen at launch."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    definition = models.CharField(max_length=100)
    params = JSONText(default=dict)  # what was typed: {control of the form: [text, …]}
    understood = JSONText(null=True)  # what the form made of it; NULL: of an older release
    status = models.CharField(
        max_length=10, choices=[(s, s.label) for s in JOB_STATUSES], default=Status.PENDING
    )
    seq = models.PositiveBigIntegerField(default=1)
    tag = models.CharField(max_length=8, default="")  # of the journal entry at seq
    cancel_requested = models.BooleanField(default=False)
    again_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        permissions: ClassVar = [
            ("launch_job", "Can launch a job"),
            ("control_job", "Can cancel and retry a job"),
            ("view_log", "Can read the logs of steps"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=JOB_STATUSES), name="job_status_known"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="job_seq_from_1"),
            models.CheckConstraint(
                condition=Q(status__in=TERMINAL, ended_at__isnull=False)
                | (~Q(status__in=TERMINAL) & Q(ended_at__isnull=True)),
                name="job_ended_at_iff_terminal",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "-id"], name="job_by_status"),
            models.Index(fields=["definition", "-id"], name="job_by_definition"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk} ({self.definition})"

    def get_absolute_url(self) -> str:
        return reverse("truestep:job", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL


class ReadyStep(NamedTuple):
    """What a worker has to know of a step to see whether it can run it."""

    pk: int
    job_id: int
    position: int
    name: str
    definition: str


FREE = {"status": Status.PENDING, "waiting": 0}  # a step that may start, once it is due


class StepQuerySet(models.QuerySet["Step"]):
    def ready(self) -> StepQuerySet:
        """Steps that a worker may start now: ``is_free`` and ``is_due``, in a job that goes on."""
        is_due = Q(not_before=None) | Q(not_before__lte=timezone.now())
        return self.filter(is_due, **FREE, job__cancel_requested=False)

    def pausing(self) -> StepQuerySet:
        """Steps that a worker may start later, without anybody doing anything.

        They are pending and wait for nothing else; not to say so leads to an index of them alone.
        """
        return self.filter(not_before__gt=timezone.now())

    def running(self) -> StepQuerySet:
        """Steps that a worker holds; none of them waits, which leads to an index."""
        return self.filter(status=Status.RUNNING, waiting=0)

    def behind(self, place: tuple[int, int] | None, most: int) -> list[ReadyStep]:
        """The first *most* of these, by job and position, behind a job and a position in it."""
        steps = self.order_by("job", "position").values_list(
            "pk", "job", "position", "name", "job__definition"
        )
        rows: list[tuple[int, int, int, str, str]] = []
        if place is None:
            rows += steps[:most]
        else:
            job_id, position = place
            rows += steps.filter(job=job_id, position__gt=position)[:most]
            rows += steps.filter(job__gt=job_id)[: most - len(rows)]
        return [ReadyStep(*row) for row in rows]


class Step(models.Model):
    """One unit of a job."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="steps")
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField()  # 0, 1, 2 … as written in the definition
    timeout = models.FloatField(null=True)  # seconds
    retries = models.PositiveIntegerField(default=0)  # further attempts, after one that is charged
    retry_delay = models.FloatField(default=0)  # seconds before the first of them
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
        """Whether an attempt that ends so leaves one of the step's retries, and of its crashes."""
        crashes = self.crashes + (verdict in CRASHES)
        return self.failures < self.retries and crashes < conf.knobs().crashes

    @property
    def may_be_interrupted(self) -> bool:
        """Whether an attempt that is interrupted leads to another one, uncharged."""
        return self.interruptions < conf.knobs().crashes

    @property
    def last_attempt(self) -> int:
        """The number of the last attempt that its retries allow, as things are."""
        is_charged = self.status == Status.PENDING  # what goes on, or is to come, is not yet
        return self.attempt + is_charged + self.retries - self.failures


class Need(models.Model):
    """An arrow of the plan: *step* starts only after *needed* has succeeded."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="needs")
    needed = models.ForeignKey(Step, models.CASCADE, related_name="dependants")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["step", "needed"], name="need_once"),
            models.CheckConstraint(condition=~Q(step=F("needed")), name="need_of_another_step"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} needs {self.needed_id}"


class Worker(models.Model):
    """A process that runs steps. It holds a lock on *lock_path* for as long as it lives."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    only_job = models.ForeignKey(Job, models.CASCADE, null=True, related_name="+")
    knows = JSONText(default=dict)  # {definition: [step name, …]}
    lock_path = models.CharField(max_length=500)
    beats = models.PositiveBigIntegerField(default=0)
    beat_at = models.DateTimeField(default=timezone.now)  # to be shown; nothing is decided by it
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stopped_at"], condition=Q(stopped_at=None), name="worker_lives")
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Attempt(models.Model):
    """One execution of a step. Old attempts are kept."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()  # 1, 2, 3 …
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, related_name="attempts")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=11, blank=True, choices=Verdict.choices)
    result = JSONText(null=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

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


class Transition(models.Model):
    """A journal entry: one fact about one job, never changed after it was written."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="journal")
    seq = models.PositiveBigIntegerField()
    tag = models.CharField(max_length=8)  # random; (seq, tag) tells a restored database apart
    kind = models.CharField(max_length=7, choices=Kind.choices)
    step = models.ForeignKey(Step, models.CASCADE, null=True, related_name="journal")
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


class LogChunk(models.Model):
    """Some consecutive lines of a step's log, all of one attempt; numbered 1..n per step."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="log")
    attempt = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    text = models.TextField()  # the lines, joined by newlines
    levels = models.TextField()  # one letter a line: d, i, w, e, c
    times = JSONText()  # one number a line: milliseconds since 1970, UTC

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
