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
from datetime import datetime
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Left, Right
from django.utils import timezone

from . import database
from .models import Attempt, Job, Need, Step, Transition, current_attempt
from .statuses import Status

logger = logging.getLogger(__name__)

ALL_JOBS = "jobs"
ACCESS = "access"
STEPS_SHOWN = 100  # of a job, on one page
ENTRIES_SHOWN = 200  # of its history
ATTEMPTS_SHOWN = 10  # of a step, side by side …
ERROR_SHOWN = 2000  # … and characters of the error, and of the traceback, of each
FOLLOWERS_SHOWN = 5  # jobs that run a job again
NAMES_SHOWN = 5  # steps that a step waits for; of more only the number is told
FURTHEST = 1000  # entries behind the present, from where a page is better fetched anew
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


def get_ready() -> None:
    """Import what pokes need: else the first one of this process is a tenth of a second late."""
    get_channel_layer()


def announce_access() -> None:
    """Tell all web processes, after the commit, that somebody may have lost a right to watch."""
    transaction.on_commit(lambda: _publisher.send_access(), robust=True)


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

    def send_access(self) -> None:
        asyncio.run_coroutine_threadsafe(self._send((ACCESS, {"type": "access"})), self._loop())

    async def _publish(self) -> None:
        with self._lock:
            pokes, self._waiting = self._waiting, {}
        await self._send(
            *(
                (group, {"type": "poke", "job": job_id, "seq": seq})
                for job_id, seq in pokes.items()
                for group in ((group_of(job_id), ALL_JOBS) if seq else (group_of(job_id),))
            )
        )

    async def _send(self, *messages: tuple[str, dict[str, Any]]) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            for group, message in messages:
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


@dataclass(frozen=True, order=True)
class Part:
    """Some of a job's steps, by position: a page shows no more of a big job at once."""

    first: int = 0

    @property
    def end(self) -> int:
        """The position after the last one."""
        return self.first + STEPS_SHOWN


FIRST_PART = Part()


@dataclass(kw_only=True)
class StepSight:
    """A step as it is shown: the row, its current attempt, what it still waits for."""

    step: Step
    attempt: Attempt | None
    waits_for: list[str]  # names; empty when they are more than NAMES_SHOWN
    # When there are several: the newest ones, newest first, as far back as they may have changed;
    # their texts are cut.
    attempts: list[Attempt] = field(default_factory=list)


Words = list[str | datetime]  # a sentence; whoever shows it writes the moments in it


def why_pending(step: Step, attempt: Attempt | None, waits_for: list[str]) -> Words:
    """Why a pending step has not started, as far as the step itself knows."""
    if step.waiting:
        return [f"waits for {', '.join(waits_for) or f'{step.waiting} steps'}"]
    if step.not_before is None or step.not_before <= timezone.now():
        return ["waits for a worker"]
    error = attempt.error.splitlines()[0][:200] if attempt and attempt.error else "no error"
    number = f"attempt {step.attempt + 1} of {step.last_attempt}"
    return ["tries again at ", step.not_before, f" ({number}, after: {error})"]


@dataclass(kw_only=True)
class Sight:
    """What changed in one job since a position, and the position that it leads to."""

    job: Job
    since: int
    seq: int
    tag: str
    part: Part
    steps: list[StepSight]  # of the part
    journal: list[Transition]
    counts: dict[Part, Counter[str]]  # all steps of the job by status, part by part
    errors: list[str]  # the job's failed steps, in words
    followers: list[int]  # the newest jobs that run this one again


@dataclass(frozen=True)
class Glance:
    """A job as a terminal has room for it."""

    job: Job
    steps: list[StepSight]  # without earlier attempts
    counts: Counter[str]  # all steps of the job by status


class CannotFollow(Exception):
    """No way leads from the position to the present: the page is better fetched anew.

    The database was restored from a copy, or so much has happened that it would not be shown.
    """


def look(job_id: int, since: int = 0, tag: str = "", part: Part = FIRST_PART) -> Sight:
    """Everything of a job that changed after *since*; with 0, all that its page shows.

    *tag* is that of the journal entry at *since*. Raises Job.DoesNotExist, and CannotFollow when
    the journal has no such entry, or goes on for more than FURTHEST entries after it.
    """
    with database.snapshot():
        journal = _journal_since(job_id, since, tag) if since else history(job_id)
        if not journal:
            raise Job.DoesNotExist(f"There is no job {job_id}.")
        job, end = journal[-1].job, journal[-1]
        news = journal[1:] if since else journal
        steps = Step.objects.filter(job=job_id, seq__gt=since).order_by("position")
        shown = list(steps.filter(position__gte=part.first, position__lt=part.end))
        oldest = _changed_attempts(news) if since else {step.pk: 1 for step in shown}
        counts = _counts(job_id)
        failed = any(count[Status.FAILED] for count in counts.values())
        return Sight(
            job=job,
            since=since,
            seq=end.seq,
            tag=end.tag,
            part=part,
            steps=_with_attempts(shown, oldest),
            journal=news,
            counts=counts,
            errors=errors_of(job_id) if failed else [],
            followers=_followers(job_id),
        )


def glance(job_id: int, most: int) -> Glance:
    """A job in at most *most* steps: all of them, or those that run and those that failed.

    Raises Job.DoesNotExist.
    """
    with database.snapshot():
        job = Job.objects.get(pk=job_id)
        steps = Step.objects.filter(job=job_id).order_by("position")
        counts: Counter[str] = sum(_counts(job_id).values(), Counter())
        if counts.total() > most:
            steps = steps.filter(status__in=[Status.RUNNING, Status.FAILED])
            steps = steps.order_by("-status", "position")  # those that run come first
        return Glance(job, _with_attempts(list(steps[:most])), counts)


def history(job_id: int, before: int | None = None) -> list[Transition]:
    """The newest entries of a job's journal, or the newest before an entry; oldest first."""
    entries = Transition.objects.filter(job=job_id).select_related("job", "step").order_by("-seq")
    if before is not None:
        entries = entries.filter(seq__lt=before)
    return list(entries[:ENTRIES_SHOWN])[::-1]


def _journal_since(job_id: int, since: int, tag: str) -> list[Transition]:
    """The entry at *since* and all after it."""
    entries = Transition.objects.filter(job=job_id, seq__gte=since).order_by("seq")
    journal = list(entries.select_related("job", "step")[: FURTHEST + 2])
    if len(journal) > FURTHEST + 1:
        raise CannotFollow
    if journal and (journal[0].seq, journal[0].tag) == (since, tag):
        return journal
    if journal or Job.objects.filter(pk=job_id).exists():
        raise CannotFollow
    return []


def _followers(job_id: int) -> list[int]:
    newest = Job.objects.filter(again_of=job_id).order_by("-pk")
    return list(newest.values_list("pk", flat=True)[:FOLLOWERS_SHOWN])[::-1]


def _counts(job_id: int) -> dict[Part, Counter[str]]:
    parts: dict[Part, Counter[str]] = {}
    steps = Step.objects.filter(job=job_id).order_by()
    grouped = steps.values_list(F("position") / STEPS_SHOWN, "status").annotate(n=Count("pk"))
    for number, status, count in grouped:
        parts.setdefault(Part(number * STEPS_SHOWN), Counter())[status] = count
    return dict(sorted(parts.items()))


def position_of(job_id: int) -> Position:
    """Where a job's journal ends. Raises Job.DoesNotExist."""
    ends = Transition.objects.filter(job=job_id).order_by("-seq").values_list("seq", "tag")
    if (last := ends.first()) is None:
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return Position(*last)


def errors_of(job_id: int) -> list[str]:
    """One line for each failed step: its name and the first line of its error."""
    failed = Step.objects.filter(job=job_id, status=Status.FAILED)
    told = failed.annotate(current=current_attempt()).values_list("name", "current__error")
    first = told.order_by("position")[:10]
    return [f"{name}: {(error or 'failed').splitlines()[0][:300]}" for name, error in first]


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


def _changed_attempts(journal: list[Transition]) -> dict[int, int]:
    """The oldest attempt of each step, by its id, that these entries changed or made.

    The first one, too, when the second began: alone, it was not shown among others.
    """
    oldest: dict[int, int] = {}
    for entry in journal:
        if entry.step_id and entry.attempt:
            number = 1 if entry.attempt == 2 else entry.attempt
            oldest[entry.step_id] = min(number, oldest.get(entry.step_id, number))
    return oldest


def _with_attempts(steps: list[Step], oldest: dict[int, int] | None = None) -> list[StepSight]:
    """The steps with their current attempts and, of several, those from a step's *oldest* on."""
    started = [step.pk for step in steps if step.attempt]
    current = Attempt.objects.filter(step__in=started, number=F("step__attempt"))
    attempts = {attempt.step_id: attempt for attempt in (current if started else ())}
    several = _several_attempts(steps, oldest or {})
    waiting = [step.pk for step in steps if step.status == Status.PENDING and step.waiting]
    waits = _unmet_needs(waiting)
    return [
        StepSight(
            step=step,
            attempt=attempts.get(step.pk),
            waits_for=waits.get(step.pk, []),
            attempts=several.get(step.pk, []),
        )
        for step in steps
    ]


def _several_attempts(steps: list[Step], oldest: dict[int, int]) -> dict[int, list[Attempt]]:
    """The newest attempts of these steps, newest first, with as much of their texts as is shown."""
    behind = {
        step.pk: min(step.attempt - oldest[step.pk], ATTEMPTS_SHOWN - 1)
        for step in steps
        if step.attempt > 1 and step.pk in oldest
    }
    found: dict[int, list[Attempt]] = {}
    if behind:
        furthest = F("step__attempt") - max(behind.values())
        attempts = Attempt.objects.filter(step__in=behind, number__gte=furthest)
        short = attempts.defer("result", "error", "traceback").annotate(
            error_shown=Left("error", ERROR_SHOWN), traceback_shown=Right("traceback", ERROR_SHOWN)
        )
        for attempt in short.select_related("worker").order_by("-number"):
            shown = found.setdefault(attempt.step_id, [])
            if len(shown) <= behind[attempt.step_id]:
                shown.append(attempt)
    return found


def _unmet_needs(steps: list[int]) -> dict[int, list[str]]:
    """The names of the steps that each of these still waits for, unless they are many."""
    names: dict[int, list[str]] = {}
    if steps:
        few = Need.objects.filter(step__in=steps, step__waiting__lte=NAMES_SHOWN)
        unmet = few.exclude(needed__status=Status.SUCCEEDED)
        for step_id, name in unmet.order_by("needed__position").values_list("step", "needed__name"):
            names.setdefault(step_id, []).append(name)
    return names
