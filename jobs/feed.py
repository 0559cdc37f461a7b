"""News and sight: the poke that leaves after a commit, and the answer to "what changed since N?".

A poke is a hint: it carries ids, never content, and may be lost, doubled or late. Sight always
comes from the database, in one snapshot with its position (seq, tag).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Count, F

from . import database
from .models import Attempt, Job, Need, Step, Transition
from .statuses import Status

logger = logging.getLogger(__name__)

ALL_JOBS = "jobs"
SEND_SECONDS = 2.0  # a broker that does not answer delays no later poke for longer


def group_of(job_id: int) -> str:
    """The Channels group that is poked when this job changes."""
    return f"job.{job_id}"


# --- news -----------------------------------------------------------------------------------------


def announce(job_id: int, seq: int = 0) -> None:
    """Poke everybody who watches this job, after the commit of the transaction in progress.

    Without a *seq*, only volatile values have changed, which no list shows.
    """
    # Not a partial: Django logs a robust callback that fails by its name, and a partial has none.
    transaction.on_commit(lambda: poke(job_id, seq), robust=True)


def poke(job_id: int, seq: int = 0) -> None:
    """Say "look at job N" to the groups ``job.N`` and ``jobs``; returns at once, never raises."""
    _publisher.send(job_id, seq)


def adopt_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Publish on *loop* from now on: the in-memory layer wakes only readers of the same loop."""
    _publisher.home = loop


class Outage:
    """Says once that something does not work, and once that it does again."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_on = False

    def begins(self, error: Exception) -> None:
        if not self._is_on:
            reason = str(error) or type(error).__name__
            logger.warning("%s: %s. Open pages catch up by their tick.", self._what, reason)
        self._is_on = True

    def ends(self) -> None:
        if self._is_on:
            logger.warning("%s: that is over.", self._what)
        self._is_on = False


class _Publisher:
    """Sends pokes from an event loop, whoever asks; of many pokes for one job the newest is sent.

    ``async_to_sync`` would make a loop and a connection for each call, and the in-memory layer
    would not wake a reader on another loop.
    """

    def __init__(self) -> None:
        self.home: asyncio.AbstractEventLoop | None = None
        self._own: asyncio.AbstractEventLoop | None = None
        self._busy: asyncio.AbstractEventLoop | None = None  # the loop that will publish
        self._lock = threading.Lock()
        self._waiting: dict[int, int] = {}
        self._outage = Outage("Pokes cannot be sent")

    def send(self, job_id: int, seq: int) -> None:
        with self._lock:
            is_due = bool(self._waiting) and self._busy is not None and self._busy.is_running()
            self._waiting[job_id] = max(seq, self._waiting.get(job_id, 0))
            if is_due:
                return
            loop = self._busy = self._loop()
        asyncio.run_coroutine_threadsafe(self._publish(), loop)

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self.home and self.home.is_running():
            return self.home
        if self._own is None:
            self._own = asyncio.new_event_loop()
            threading.Thread(
                target=self._own.run_forever, name="truestep-pokes", daemon=True
            ).start()
        return self._own

    async def _publish(self) -> None:
        with self._lock:
            pokes, self._waiting = self._waiting, {}
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            for job_id, seq in pokes.items():
                message = {"type": "poke", "job": job_id, "seq": seq}
                for group in (group_of(job_id), ALL_JOBS) if seq else (group_of(job_id),):
                    async with asyncio.timeout(SEND_SECONDS):
                        await layer.group_send(group, message)
        except Exception as error:
            self._outage.begins(error)
        else:
            self._outage.ends()


def _new_publisher() -> None:
    global _publisher
    _publisher = _Publisher()


_publisher: _Publisher
_new_publisher()
os.register_at_fork(after_in_child=_new_publisher)  # a child has none of its parent's threads


# --- sight ----------------------------------------------------------------------------------------


class Position(NamedTuple):
    """A point on a job's journal: the number and the mark of an entry; (0, "") is before it all."""

    seq: int
    tag: str


@dataclass(kw_only=True)
class StepSight:
    """A step as it is shown: the row, its current attempt, what it still waits for."""

    step: Step
    attempt: Attempt | None
    waits_for: list[str]


@dataclass(kw_only=True)
class Sight:
    """What changed in one job since a position, and the position that it leads to."""

    job: Job
    since: int
    seq: int
    tag: str
    steps: list[StepSight] = field(default_factory=list)
    journal: list[Transition] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # steps by status, of the whole job
    errors: list[str] = field(default_factory=list)  # the job's failed steps, in words


class OtherHistory(Exception):
    """The position is not on this job's journal: another database was restored."""


def look(job_id: int, since: int = 0, tag: str = "") -> Sight:
    """Everything of a job that changed after *since*; with 0, the whole job.

    *tag* is that of the journal entry at *since*. Raises Job.DoesNotExist, and OtherHistory when
    the journal has no such entry.
    """
    with database.snapshot():
        job = Job.objects.get(pk=job_id)
        journal = list(
            Transition.objects.filter(job=job_id, seq__gte=since)
            .select_related("step")
            .order_by("seq")
        )
        if since:
            known = journal.pop(0) if journal else None
            if known is None or (known.seq, known.tag) != (since, tag):
                raise OtherHistory
        sight = Sight(job=job, since=since, seq=job.seq, tag=journal[-1].tag if journal else tag)
        sight.journal = journal
        sight.steps = _steps_since(job_id, since)
        by_status = Step.objects.filter(job=job_id).order_by().values_list("status")
        sight.counts = Counter(dict(by_status.annotate(n=Count("pk"))))
        if sight.counts[Status.FAILED]:
            sight.errors = errors_of(job_id)
        return sight


def position_of(job_id: int) -> Position:
    """Where a job's journal ends. Raises Job.DoesNotExist."""
    ends = Transition.objects.filter(job=job_id).order_by("-seq").values_list("seq", "tag")
    if (last := ends.first()) is None:
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return Position(*last)


def errors_of(job_id: int) -> list[str]:
    """One line for each failed step: its name and the first line of its error."""
    failed = Step.objects.filter(job=job_id, status=Status.FAILED).order_by("position")
    told = {
        attempt.step_id: attempt.error
        for attempt in Attempt.objects.filter(step__in=failed, number=F("step__attempt"))
    }
    return [
        f"{step.name}: {(told.get(step.pk) or 'failed').splitlines()[0][:300]}"
        for step in failed[:10]
    ]


def pulse(job_id: int) -> dict[str, dict[str, Any]]:
    """The volatile values of the running steps, absolute, by step id."""
    rows = (
        Step.objects.running()
        .filter(job=job_id)
        .values_list("pk", "done", "total", "progress_text", "log_lines")
    )
    return {
        str(pk): {"done": done, "total": total, "text": text, "lines": lines}
        for pk, done, total, text, lines in rows
    }


def _steps_since(job_id: int, since: int) -> list[StepSight]:
    steps = list(Step.objects.filter(job=job_id, seq__gt=since).order_by("position"))
    attempts = {
        attempt.step_id: attempt
        for attempt in Attempt.objects.filter(
            step__job=job_id, step__seq__gt=since, number=F("step__attempt")
        )
    }
    waits = _unmet_needs(job_id, since) if any(step.waiting for step in steps) else {}
    return [
        StepSight(step=step, attempt=attempts.get(step.pk), waits_for=waits.get(step.pk, []))
        for step in steps
    ]


def _unmet_needs(job_id: int, since: int) -> dict[int, list[str]]:
    """The names of the steps that each pending step still waits for."""
    unmet = Need.objects.filter(
        step__job=job_id, step__seq__gt=since, step__status=Status.PENDING
    ).exclude(needed__status=Status.SUCCEEDED)
    names: dict[int, list[str]] = {}
    for step_id, name in unmet.order_by("needed__position").values_list("step", "needed__name"):
        names.setdefault(step_id, []).append(name)
    return names
