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
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from . import database
from .database import Words as Words
from .models import Attempt, Job, Need, Step, Transition, given_up
from .statuses import Status
from .text import isolated

logger = logging.getLogger("truestep.feed")

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
    database.on_commit(lambda: poke(job_id, seq))


def poke(job_id: int, seq: int = 0) -> None:
    """Say "look at job N" to the groups ``job.N`` and ``jobs``; returns at once, never raises."""
    _publisher.send(job_id, seq)


def get_ready() -> None:
    """Import what pokes need: else the first one of this process is a tenth of a second late."""
    get_channel_layer()


def announce_access(using: str) -> None:
    """Tell all web processes that somebody may have lost a right to watch.

    It leaves after the commit of the transaction in progress on the database *using*.
    """
    transaction.on_commit(lambda: _publisher.send_access(), using=using, robust=True)


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

    def __contains__(self, position: int) -> bool:
        return self.first <= position < self.end


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
    given_up: str = ""  # why it failed while it was pending

    @property
    def error(self) -> str:
        """What went wrong: for a failed step, why it failed."""
        return self.given_up or (self.attempt.error if self.attempt else "")


Pulse = dict[str, dict[str, Any]]


def why_pending(step: Step, attempt: Attempt | None, waits_for: list[str]) -> Words:
    """Why a pending step has not started, as far as the step itself knows."""
    if step.waiting:
        return [f"waits for {', '.join(map(isolated, waits_for)) or f'{step.waiting} steps'}"]
    if step.not_before is None or step.not_before <= timezone.now():
        return ["waits for a worker"]
    error = attempt.error.splitlines()[0][:200] if attempt and attempt.error else "no error"
    number = f"attempt {step.attempt + 1} of {step.last_attempt}"
    return ["tries again at ", step.not_before, f" ({number}, after: {isolated(error)})"]


@dataclass(kw_only=True)
class Sight:
    """What changed in one job since a position, and the position that it leads to.

    Where the journal has nothing new, nothing has changed, and no more than that is told.
    """

    job: Job
    since: int
    seq: int
    tag: str
    part: Part
    journal: list[Transition]
    steps: list[StepSight] = field(default_factory=list)  # of the part
    running: list[Step] = field(default_factory=list)  # of all parts, whether they changed or not
    # All steps of the job by status, part by part.
    counts: dict[Part, Counter[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)  # the job's failed steps, in words
    followers: list[int] = field(default_factory=list)  # the newest jobs that run this one again


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
        end = journal[-1]
        news = journal[1:] if since else journal
        job = _job(job_id)
        sight = Sight(job=job, since=since, seq=end.seq, tag=end.tag, part=part, journal=news)
        if not news:
            return sight
        steps = _steps_since(job_id, since, part)
        shown = [step for step in steps if step.seq > since and step.position in part]
        oldest = _changed_attempts(news) if since else {step.pk: 1 for step in shown}
        sight.steps = _with_attempts(shown, oldest)
        sight.running = [step for step in steps if step.status == Status.RUNNING]
        sight.counts = _counts(job_id)
        if any(count[Status.FAILED] for count in sight.counts.values()):
            sight.errors = errors_of(job_id)
        sight.followers = _followers(job_id)
        _name_steps(news, steps)
        return sight


def glance(job_id: int, most: int) -> Glance:
    """A job in at most *most* steps: all of them, or those that run and those that failed.

    Raises Job.DoesNotExist.
    """
    with database.snapshot():
        job = _job(job_id)
        steps = Step.objects.filter(job=job_id).order_by("position")
        counts: Counter[str] = sum(_counts(job_id).values(), Counter())
        if counts.total() > most:
            steps = steps.filter(status__in=[Status.RUNNING, Status.FAILED])
            steps = steps.order_by("-status", "position")  # those that run come first
        return Glance(job, _with_attempts(list(steps[:most])), counts)


def history(job_id: int, before: int | None = None) -> list[Transition]:
    """The newest entries of a job's journal, or the newest before an entry; oldest first."""
    entries = Transition.objects.filter(job=job_id).select_related("step").order_by("-seq")
    if before is not None:
        entries = entries.filter(seq__lt=before)
    return list(entries[:ENTRIES_SHOWN])[::-1]


# What follows is read at each change of each job that somebody watches. It is written in SQL, since
# the ORM takes several times as long to put such a statement together as the database to answer it.


def _job(job_id: int) -> Job:
    found = list(Job.objects.raw("SELECT * FROM truestep_job WHERE id = %s", [job_id]))
    if not found:
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return found[0]


def _journal_since(job_id: int, since: int, tag: str) -> list[Transition]:
    """The entry at *since* and all after it."""
    sql = "SELECT * FROM truestep_transition WHERE job_id = %s AND seq >= %s ORDER BY seq LIMIT %s"
    journal = list(Transition.objects.raw(sql, [job_id, since, FURTHEST + 2]))
    if len(journal) > FURTHEST + 1:
        raise CannotFollow
    if journal and (journal[0].seq, journal[0].tag) == (since, tag):
        return journal
    if journal or Job.objects.filter(pk=job_id).exists():
        raise CannotFollow
    return []


# What runs waits for nothing; to say so leads to the index of what may start.
_RUNNING = f"job_id = %s AND status = '{Status.RUNNING}' AND waiting = 0"


def _steps_since(job_id: int, since: int, part: Part) -> list[Step]:
    """The steps of a part that changed after *since*, and all that run."""
    sql = f"""
        SELECT * FROM truestep_step
        WHERE id IN (
            SELECT id FROM truestep_step
            WHERE job_id = %s AND seq > %s AND position >= %s AND position < %s
            UNION ALL SELECT id FROM truestep_step WHERE {_RUNNING}
        )
        ORDER BY position
    """
    return list(Step.objects.raw(sql, [job_id, since, part.first, part.end, job_id]))


def _current_attempts(steps: list[int]) -> dict[int, Attempt]:
    """The current attempts of these steps, by their steps' ids."""
    if not steps:
        return {}
    sql = f"""
        SELECT a.* FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id AND s.attempt = a.number
        WHERE s.id IN ({database.placeholders(steps)})
    """
    return {attempt.step_id: attempt for attempt in Attempt.objects.raw(sql, steps)}


def _name_steps(entries: list[Transition], found: list[Step]) -> None:
    """Give the entries their steps, of which most have been read already."""
    steps = {step.pk: step for step in found}
    missing = {entry.step_id for entry in entries if entry.step_id} - steps.keys()
    if missing:
        steps |= Step.objects.in_bulk(missing)
    for entry in entries:
        if entry.step_id:
            entry.step = steps[entry.step_id]


def _followers(job_id: int) -> list[int]:
    sql = "SELECT id FROM truestep_job WHERE again_of_id = %s ORDER BY id DESC LIMIT %s"
    return [pk for (pk,) in database.rows(sql, job_id, FOLLOWERS_SHOWN)][::-1]


def _counts(job_id: int) -> dict[Part, Counter[str]]:
    sql = """
        SELECT position / %s AS part, status, count(*) FROM truestep_step
        WHERE job_id = %s GROUP BY part, status ORDER BY part
    """
    parts: dict[Part, Counter[str]] = {}
    for number, status, count in database.rows(sql, STEPS_SHOWN, job_id):
        parts.setdefault(Part(number * STEPS_SHOWN), Counter())[status] = count
    return parts


def position_of(job_id: int) -> Position:
    """Where a job's journal ends. Raises Job.DoesNotExist."""
    sql = "SELECT seq, tag FROM truestep_transition WHERE job_id = %s ORDER BY seq DESC LIMIT 1"
    if not (ends := database.rows(sql, job_id)):
        raise Job.DoesNotExist(f"There is no job {job_id}.")
    return Position(*ends[0])


def errors_of(job_id: int) -> list[str]:
    """One line for each failed step: its name and the first line of its error."""
    sql = """
        SELECT s.name, CASE WHEN t.from_status = %s THEN t.reason ELSE a.error END
        FROM truestep_step AS s
        LEFT JOIN truestep_transition AS t ON t.job_id = s.job_id AND t.seq = s.seq
        LEFT JOIN truestep_attempt AS a ON a.step_id = s.id AND a.number = s.attempt
        WHERE s.job_id = %s AND s.status = %s ORDER BY s.position LIMIT 10
    """
    failed = database.rows(sql, Status.PENDING, job_id, Status.FAILED)
    return [f"{name}: {(error or 'failed').splitlines()[0][:300]}" for name, error in failed]


def pulse(job_id: int) -> Pulse:
    """The volatile values of the running steps of a job."""
    sql = f"""
        SELECT id, done, total, progress_text, log_lines FROM truestep_step WHERE {_RUNNING}
    """
    return pulse_of(Step.objects.raw(sql, [job_id]))


def pulse_of(steps: Iterable[Step]) -> Pulse:
    """The volatile values of these steps, absolute, by step id."""
    return {
        str(step.pk): {
            "done": step.done,
            "total": step.total,
            "text": isolated(step.progress_text),
            "lines": step.log_lines,
        }
        for step in steps
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
    current = _current_attempts([step.pk for step in steps if step.attempt])
    several = _several_attempts(steps, oldest or {})
    waiting = [step.pk for step in steps if step.status == Status.PENDING and step.waiting]
    waits = _unmet_needs(waiting)
    given_up = _given_up([step.pk for step in steps if step.status == Status.FAILED])
    return [
        StepSight(
            step=step,
            attempt=current.get(step.pk),
            waits_for=waits.get(step.pk, []),
            attempts=several.get(step.pk, []),
            given_up=given_up.get(step.pk, ""),
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
    if not behind:
        return {}
    sql = f"""
        SELECT a.id, a.step_id, a.number, a.started_at, a.ended_at, a.verdict, w.host, w.pid,
            substr(a.error, 1, {ERROR_SHOWN}) AS error_shown,
            CASE WHEN length(a.traceback) > {ERROR_SHOWN}
                THEN substr(a.traceback, length(a.traceback) - {ERROR_SHOWN} + 1)
                ELSE a.traceback END AS traceback_shown
        FROM truestep_attempt AS a
        JOIN truestep_step AS s ON s.id = a.step_id
        LEFT JOIN truestep_worker AS w ON w.id = a.worker_id
        WHERE s.id IN ({database.placeholders(behind)}) AND a.number >= s.attempt - %s
        ORDER BY a.number DESC
    """
    found: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.raw(sql, [*behind, max(behind.values())]):
        shown = found.setdefault(attempt.step_id, [])
        if len(shown) <= behind[attempt.step_id]:
            shown.append(attempt)
    return found


def _given_up(steps: list[int]) -> dict[int, str]:
    """Why those of these failed steps failed that did so while they were pending."""
    if not steps:
        return {}
    failed = Step.objects.filter(pk__in=steps).annotate(why=given_up())
    return dict(failed.exclude(why=None).values_list("pk", "why"))


def _unmet_needs(steps: list[int]) -> dict[int, list[str]]:
    """The names of the steps that each of these still waits for, unless they are many."""
    names: dict[int, list[str]] = {}
    if steps:
        few = Need.objects.filter(step__in=steps, step__waiting__lte=NAMES_SHOWN)
        unmet = few.exclude(needed__status=Status.SUCCEEDED)
        for step_id, name in unmet.order_by("needed__position").values_list("step", "needed__name"):
            names.setdefault(step_id, []).append(name)
    return names
