"""What a journal entry means: a code and its data. The words are made from them here, nowhere else.

A ``Fact`` is written with its entry. Code that decides something reads the code and the keys below;
a sentence is never parsed. ``words`` makes it in the reader's language, ``Fact.reason`` in English,
which is stored beside the fact. A code that this release does not know, and one whose data lacks a
key, is shown by its stored English.

Data is strict JSON. Keys in brackets may be missing.

=============================== ==================================================================
code                            data
=============================== ==================================================================
job.launched                    [key], [waits] (for the key), [why]
job.launched_again              job (the older job's id), [key], [waits], [why]
job.started                     none
job.succeeded                   none
job.failed                      none
job.unknown_to_workers          none
job.cancelled                   none
job.cancelled_waiting           none
job.retried                     none
step.claimed                    worker (host:pid), worker_id
step.returned                   *
step.raised                     error (the exception's type), *
step.unusable_result            *
step.timed_out                  timeout (seconds), *
step.deadline_passed            deadline (seconds), *
step.process_died               [exit_code] (negative: a signal's number), *
step.worker_lost                worker (host:pid, or null), *
step.worker_broke               error (the exception's type), *
step.stray_signal               *
step.worker_stopped             *
step.never_began                *
step.worker_declared_dead       *
step.worker_silent              *
step.worker_frozen              seconds, *
step.worker_cut_off             seconds, *
step.cancelled_running          *
step.asked_to_stop              *
step.cancelled_waiting          none
step.dependency_unsuccessful    dependency (its name), dependency_id
step.unknown_to_workers         step, definition, waited (seconds)
step.retried                    none: a person's retry took it back
step.dependency_retried         none: it was skipped, and a retry of its dependencies took it back
request.cancel                  none
request.deadline                deadline (seconds): Truestep cancels the job at its deadline
request.retry                   steps (names: those chosen and their dependencies), [why]
note.launched_again             job (the newer job's id), [why]
note.deadline_near              deadline, left (seconds)
note.runs_long                  attempt, warn_after (seconds)
note.late_write                 attempt, worker (host:pid)
note.cancel_handed_over         asked_at (RFC 3339 in UTC)
note.cancel_of_ended            status (of the job)
note.cancel_repeated            none
note.retry_of_nothing           none: no step has failed
note.retry_of_step              step, status
note.retry_while_cancelling     none
note.retry_without_secrets      none: they were deleted when the job ended
note.key_awaited                key: a retry put the job into the line
note.key_obtained               key
text                            text
=============================== ==================================================================

Of an order:

=============================== ==================================================================
queue.paused                    queue, [why]
queue.resumed                   queue, [why]
worker.drained                  worker (host:pid), worker_id, [why]
worker.resumed                  worker (host:pid), worker_id, [why]
worker.stopped                  worker (host:pid), worker_id, [why]
=============================== ==================================================================

``*``: the entry ends an attempt. Its step and attempt name the Attempt row, which has the result,
the error and the traceback. Its data has, as they are after this entry, ``log_lines`` (the number
of the step's last log line), ``failures``, ``crashes`` and ``interruptions``. An automatic retry
adds ``retry``: {number, limit, delay (seconds)}. Where one was left and none follows, ``no_retry``
says why: "crashes" or "interruptions" (too many, see TRUESTEP["crashes"]), or "cancelled".

``text`` is a sentence in itself: an entry of an older release whose meaning cannot be known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.functional import lazy
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop

from .text import isolated
from .times import clock, duration, setting


class Code(StrEnum):
    """One for each meaning of an entry. Stored: a code keeps its meaning for ever."""

    JOB_LAUNCHED = "job.launched"
    JOB_LAUNCHED_AGAIN = "job.launched_again"
    JOB_STARTED = "job.started"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_UNKNOWN_TO_WORKERS = "job.unknown_to_workers"
    JOB_CANCELLED = "job.cancelled"
    JOB_CANCELLED_WAITING = "job.cancelled_waiting"
    JOB_RETRIED = "job.retried"

    STEP_CLAIMED = "step.claimed"
    STEP_RETURNED = "step.returned"
    STEP_RAISED = "step.raised"
    STEP_UNUSABLE_RESULT = "step.unusable_result"
    STEP_TIMED_OUT = "step.timed_out"
    STEP_DEADLINE_PASSED = "step.deadline_passed"
    STEP_PROCESS_DIED = "step.process_died"
    STEP_WORKER_LOST = "step.worker_lost"
    STEP_WORKER_BROKE = "step.worker_broke"
    STEP_STRAY_SIGNAL = "step.stray_signal"
    STEP_WORKER_STOPPED = "step.worker_stopped"
    STEP_NEVER_BEGAN = "step.never_began"
    STEP_WORKER_DECLARED_DEAD = "step.worker_declared_dead"
    STEP_WORKER_SILENT = "step.worker_silent"
    STEP_WORKER_FROZEN = "step.worker_frozen"
    STEP_WORKER_CUT_OFF = "step.worker_cut_off"
    STEP_CANCELLED_RUNNING = "step.cancelled_running"
    STEP_ASKED_TO_STOP = "step.asked_to_stop"
    STEP_CANCELLED_WAITING = "step.cancelled_waiting"
    STEP_DEPENDENCY_UNSUCCESSFUL = "step.dependency_unsuccessful"
    STEP_UNKNOWN_TO_WORKERS = "step.unknown_to_workers"
    STEP_RETRIED = "step.retried"
    STEP_DEPENDENCY_RETRIED = "step.dependency_retried"

    REQUEST_CANCEL = "request.cancel"
    REQUEST_DEADLINE = "request.deadline"
    REQUEST_RETRY = "request.retry"

    NOTE_LAUNCHED_AGAIN = "note.launched_again"
    NOTE_DEADLINE_NEAR = "note.deadline_near"
    NOTE_RUNS_LONG = "note.runs_long"
    NOTE_LATE_WRITE = "note.late_write"
    NOTE_CANCEL_HANDED_OVER = "note.cancel_handed_over"
    NOTE_CANCEL_OF_ENDED = "note.cancel_of_ended"
    NOTE_CANCEL_REPEATED = "note.cancel_repeated"
    NOTE_RETRY_OF_NOTHING = "note.retry_of_nothing"
    NOTE_RETRY_OF_STEP = "note.retry_of_step"
    NOTE_RETRY_WHILE_CANCELLING = "note.retry_while_cancelling"
    NOTE_RETRY_WITHOUT_SECRETS = "note.retry_without_secrets"
    NOTE_KEY_AWAITED = "note.key_awaited"
    NOTE_KEY_OBTAINED = "note.key_obtained"

    TEXT = "text"


class OrderCode(StrEnum):
    """One for each meaning of an order; stored, too."""

    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    WORKER_DRAINED = "worker.drained"
    WORKER_RESUMED = "worker.resumed"
    WORKER_STOPPED = "worker.stopped"


_WORDS: dict[str, str] = {
    Code.JOB_LAUNCHED: gettext_noop("launched"),
    Code.JOB_LAUNCHED_AGAIN: gettext_noop("launched again, after job {job}"),
    Code.JOB_STARTED: gettext_noop("its first step started"),
    Code.JOB_SUCCEEDED: gettext_noop("every step succeeded"),
    Code.JOB_FAILED: gettext_noop("a step failed"),
    Code.JOB_UNKNOWN_TO_WORKERS: gettext_noop("no worker knows how to run its steps"),
    Code.JOB_CANCELLED: gettext_noop("it was cancelled and no step failed"),
    Code.JOB_CANCELLED_WAITING: gettext_noop("cancelled while nothing ran"),
    Code.JOB_RETRIED: gettext_noop("steps are retried"),
    Code.STEP_CLAIMED: gettext_noop("claimed by {worker}"),
    Code.STEP_RETURNED: gettext_noop("returned"),
    Code.STEP_RAISED: gettext_noop("raised {error}"),
    Code.STEP_UNUSABLE_RESULT: gettext_noop("returned an unusable result"),
    Code.STEP_TIMED_OUT: gettext_noop("timed out after {timeout}"),
    Code.STEP_DEADLINE_PASSED: gettext_noop("ended at its job's deadline of {deadline}"),
    Code.STEP_PROCESS_DIED: gettext_noop("its process died"),
    Code.STEP_WORKER_LOST: gettext_noop("its worker was lost"),
    Code.STEP_WORKER_BROKE: gettext_noop("its worker broke: {error}"),
    Code.STEP_STRAY_SIGNAL: gettext_noop("stopped by a stray signal"),
    Code.STEP_WORKER_STOPPED: gettext_noop("its worker stopped"),
    Code.STEP_NEVER_BEGAN: gettext_noop("its worker never began it"),
    Code.STEP_WORKER_DECLARED_DEAD: gettext_noop("its worker was declared dead and started again"),
    Code.STEP_WORKER_SILENT: gettext_noop("its worker sent no heartbeat for too long"),
    Code.STEP_WORKER_FROZEN: gettext_noop("its worker did not run for {seconds}"),
    Code.STEP_WORKER_CUT_OFF: gettext_noop("its worker could not reach the database for {seconds}"),
    Code.STEP_CANCELLED_RUNNING: gettext_noop("cancelled while it ran"),
    Code.STEP_ASKED_TO_STOP: gettext_noop("asked to stop"),
    Code.STEP_CANCELLED_WAITING: gettext_noop("cancelled while it waited"),
    Code.STEP_DEPENDENCY_UNSUCCESSFUL: gettext_noop("needs {dependency}, which was not successful"),
    Code.STEP_UNKNOWN_TO_WORKERS: gettext_noop(
        "no running worker knows step '{step}' of '{definition}'; waited {waited}"
    ),
    Code.STEP_RETRIED: gettext_noop("retried"),
    Code.STEP_DEPENDENCY_RETRIED: gettext_noop("a dependency is retried"),
    Code.REQUEST_CANCEL: gettext_noop("cancel"),
    Code.REQUEST_DEADLINE: gettext_noop("cancel at the deadline of {deadline}"),
    Code.REQUEST_RETRY: gettext_noop("retry"),
    Code.NOTE_LAUNCHED_AGAIN: gettext_noop("launched again as job {job}"),
    Code.NOTE_DEADLINE_NEAR: gettext_noop("{left} left of its deadline of {deadline}"),
    Code.NOTE_RUNS_LONG: gettext_noop("runs for longer than {warn_after}"),
    Code.NOTE_LATE_WRITE: gettext_noop("a late write of attempt {attempt} by {worker} was refused"),
    Code.NOTE_CANCEL_HANDED_OVER: gettext_noop(
        "asked for at {asked_at} UTC, while the database was locked; its worker was told"
    ),
    Code.NOTE_CANCEL_OF_ENDED: gettext_noop("the job is {status}"),
    Code.NOTE_CANCEL_REPEATED: gettext_noop("the job is being cancelled already"),
    Code.NOTE_RETRY_OF_NOTHING: gettext_noop("no step has failed"),
    Code.NOTE_RETRY_OF_STEP: gettext_noop("{step} is {status}"),
    Code.NOTE_RETRY_WHILE_CANCELLING: gettext_noop("the job is being cancelled"),
    Code.NOTE_RETRY_WITHOUT_SECRETS: gettext_noop(
        "its secret parameters were deleted when it ended; launch it again, and enter them"
    ),
    Code.NOTE_KEY_AWAITED: gettext_noop("waits for the key {key}"),
    Code.NOTE_KEY_OBTAINED: gettext_noop("got the key {key}"),
    OrderCode.QUEUE_PAUSED: gettext_noop("paused the queue {queue}"),
    OrderCode.QUEUE_RESUMED: gettext_noop("resumed the queue {queue}"),
    OrderCode.WORKER_DRAINED: gettext_noop("drained the worker {worker}"),
    OrderCode.WORKER_RESUMED: gettext_noop("let the worker {worker} work again"),
    OrderCode.WORKER_STOPPED: gettext_noop("stopped the worker {worker}"),
    Code.TEXT: "{text}",
}

# What is said around {what} happened.
_WAITS = gettext_noop("{what}; waits for the key {key}")
_BECAUSE = gettext_noop("{what}: {why}")
_NOTHING_TO_CANCEL = gettext_noop("asked to cancel; nothing to do, {what}")
_NOTHING_TO_RETRY = gettext_noop("asked to retry; nothing to do, {what}")
_AROUND: dict[str, str] = {
    Code.NOTE_CANCEL_OF_ENDED: _NOTHING_TO_CANCEL,
    Code.NOTE_CANCEL_REPEATED: _NOTHING_TO_CANCEL,
    Code.NOTE_RETRY_OF_NOTHING: _NOTHING_TO_RETRY,
    Code.NOTE_RETRY_OF_STEP: _NOTHING_TO_RETRY,
    Code.NOTE_RETRY_WHILE_CANCELLING: _NOTHING_TO_RETRY,
    Code.NOTE_RETRY_WITHOUT_SECRETS: _NOTHING_TO_RETRY,
}
_RETRY = gettext_noop("{what}; retry {number} of {limit} in {delay}")
_NO_RETRY = {
    "crashes": gettext_noop("{what}, {crashes} times in all (TRUESTEP['crashes'])"),
    "interruptions": gettext_noop(
        "{what}, interrupted {interruptions} times in all (TRUESTEP['crashes'])"
    ),
    "cancelled": gettext_noop("{what}; cancelled before its retry"),
}

# The notes that a retry leaves when it does nothing.
RETRY_REFUSED = frozenset(code for code, around in _AROUND.items() if around is _NOTHING_TO_RETRY)


def _time_of_day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}"


_SHOWN: dict[str, Callable[[Any], str]] = {  # by key; other values are shown as they are
    "asked_at": _time_of_day,
    "deadline": setting,
    "definition": isolated,
    "delay": duration,
    "dependency": isolated,
    "error": isolated,
    "key": isolated,
    "left": clock,
    "queue": isolated,
    "seconds": clock,
    "step": isolated,
    "timeout": setting,
    "waited": setting,
    "warn_after": setting,
    "why": isolated,
}


@dataclass(frozen=True)
class Fact:
    """What happened: a code, and the data that its row of the table above lists."""

    code: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def text(cls, text: str) -> Fact:
        """A sentence that has no code."""
        return cls(Code.TEXT, {"text": text})

    def but(self, **data: Any) -> Fact:
        """The same fact with more data; what is None is left out."""
        more = {key: value for key, value in data.items() if value is not None}
        return Fact(self.code, {**self.data, **more})

    @property
    def reason(self) -> str:
        """The words in English, as a clause."""
        return _whole(self.code, self.data, str)

    @property
    def sentence(self) -> str:
        """The words in English, as a sentence."""
        return f"{capfirst(self.reason)}."


def _words(code: str, data: Mapping[str, Any], stored: str) -> str:
    try:
        return _whole(code, data, gettext)
    except (KeyError, TypeError, ValueError):
        return stored


def _gist(code: str, data: Mapping[str, Any], stored: str) -> str:
    try:
        return _what(code, data, gettext)
    except (KeyError, TypeError, ValueError):
        return stored


# Both take a code, its data and the stored English, which is shown when this release cannot make
# the words. They make a clause in the language that is active when it is shown.
words = lazy(_words, str)  # all that the entry says
gist = lazy(_gist, str)  # only what happened or was asked for: not why, nor what follows


def _whole(code: str, data: Mapping[str, Any], tr: Callable[[str], str]) -> str:
    what = _what(code, data, tr)
    if around := _around(code, data):
        values = {**data, **data.get("retry", {})}
        return tr(around).format(what=what, **_shown(values))
    return what


def _around(code: str, data: Mapping[str, Any]) -> str | None:
    if data.get("why"):
        return _BECAUSE
    if "retry" in data:
        return _RETRY
    if "no_retry" in data:
        return _NO_RETRY[data["no_retry"]]
    return _AROUND.get(code)


def _what(code: str, data: Mapping[str, Any], tr: Callable[[str], str]) -> str:
    what, values = tr(_WORDS[code]), _shown(data)
    what = what.format(**values)
    return tr(_WAITS).format(what=what, **values) if data.get("waits") else what


def _shown(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: _SHOWN.get(key, str)(value) for key, value in data.items()}
