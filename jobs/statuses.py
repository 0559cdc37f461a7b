"""What a status means and which move from one to another is legal.

Everything here is data. ``journal`` is the only package that moves anything; the page, the admin
and ``audit`` only read.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import TextChoices

from .codes import Code


class Status(TextChoices):
    PENDING = "pending"  # waits for steps it needs, for a worker, or (a job) has not started
    RUNNING = "running"  # a live worker holds this attempt; of a job: some step has started
    SUCCEEDED = "succeeded"  # it returned; of a job: every step did
    FAILED = "failed"  # it raised, timed out, or no worker could run it; of a job: a step failed
    CANCELLED = "cancelled"  # cancelled on request, and really stopped
    SKIPPED = "skipped"  # never ran: something it needs did not succeed (steps only)


class Kind(TextChoices):
    """What sort of journal entry it is."""

    BIRTH = "birth"  # the job and all its steps were written, pending
    MOVE = "move"  # a status changed
    REQUEST = "request"  # a person asked for something, or a deadline did
    NOTE = "note"  # something worth remembering that changed no status


class Wanted(TextChoices):
    """What people want of a worker."""

    WORK = "work"
    DRAIN = "drain"  # run what it runs, and start no more
    STOP = "stop"  # end as after SIGTERM


class Verdict(TextChoices):
    """How an attempt ended."""

    RETURNED = "returned"
    FAILED = "failed"  # it raised, or returned what cannot be kept
    TIMED_OUT = "timed out"
    DIED = "died"  # its process ended under it: a crash, out of memory
    LOST = "lost"  # its worker was killed, or its host was lost
    STOPPED = "stopped"  # it was asked to stop, and has
    HANDED_BACK = "handed back"  # its worker was stopped on purpose; the step is requeued
    INTERRUPTED = "interrupted"  # requeued for any other reason, a bounded number of times


CRASHES = frozenset({Verdict.DIED, Verdict.LOST})
REQUEUED = frozenset({Verdict.HANDED_BACK, Verdict.INTERRUPTED})
CHARGED = frozenset({Verdict.FAILED, Verdict.TIMED_OUT}) | CRASHES  # to the retries of the step

# The verdicts with which an attempt can end when its step gets this status.
VERDICTS: dict[Status, frozenset[Verdict]] = {
    Status.SUCCEEDED: frozenset({Verdict.RETURNED}),
    Status.FAILED: CHARGED | {Verdict.INTERRUPTED},
    Status.CANCELLED: CHARGED | REQUEUED | {Verdict.STOPPED},
    Status.PENDING: CHARGED | REQUEUED,
}

# From a status, to a status, and the codes of the entries that may say so.
Moves = dict[Status, dict[Status, frozenset[Code]]]

_INTERRUPTED = {
    Code.STEP_NEVER_BEGAN,
    Code.STEP_WORKER_DECLARED_DEAD,
    Code.STEP_WORKER_SILENT,
    Code.STEP_WORKER_FROZEN,
    Code.STEP_WORKER_CUT_OFF,
}
_FAILED = {
    Code.STEP_RAISED,
    Code.STEP_UNUSABLE_RESULT,
    Code.STEP_TIMED_OUT,
    Code.STEP_PROCESS_DIED,
    Code.STEP_WORKER_LOST,
    Code.STEP_WORKER_BROKE,
    Code.STEP_STRAY_SIGNAL,
}

STEP_MOVES: Moves = {
    Status.PENDING: {
        Status.RUNNING: frozenset({Code.STEP_CLAIMED}),
        Status.SKIPPED: frozenset({Code.STEP_DEPENDENCY_UNSUCCESSFUL}),
        Status.CANCELLED: frozenset({Code.STEP_CANCELLED_WAITING}),
        Status.FAILED: frozenset({Code.STEP_UNKNOWN_TO_WORKERS}),
    },
    Status.RUNNING: {
        Status.SUCCEEDED: frozenset({Code.STEP_RETURNED}),
        # … and no retry is left, or no time.
        Status.FAILED: frozenset({*_FAILED, *_INTERRUPTED, Code.STEP_DEADLINE_PASSED}),
        # It was to stop, and has stopped, died, or failed with a retry left.
        Status.CANCELLED: frozenset(
            {*_FAILED, *_INTERRUPTED, Code.STEP_WORKER_STOPPED, Code.STEP_CANCELLED_RUNNING}
        ),
        Status.PENDING: frozenset({*_FAILED, *_INTERRUPTED, Code.STEP_WORKER_STOPPED}),
    },
    Status.SUCCEEDED: {},
    Status.FAILED: {},
    Status.CANCELLED: {},
    Status.SKIPPED: {},
}

JOB_MOVES: Moves = {
    Status.PENDING: {
        Status.RUNNING: frozenset({Code.JOB_STARTED}),
        Status.CANCELLED: frozenset({Code.JOB_CANCELLED_WAITING}),
        Status.FAILED: frozenset({Code.JOB_UNKNOWN_TO_WORKERS}),
    },
    Status.RUNNING: {
        Status.SUCCEEDED: frozenset({Code.JOB_SUCCEEDED}),
        Status.FAILED: frozenset({Code.JOB_FAILED}),
        Status.CANCELLED: frozenset({Code.JOB_CANCELLED}),
    },
    Status.SUCCEEDED: {},
    Status.FAILED: {},
    Status.CANCELLED: {},
}

# What else a person's retry may do, and nothing but that: it takes back an end.
STEP_RETRIES: Moves = {
    Status.FAILED: {Status.PENDING: frozenset({Code.STEP_RETRIED})},
    Status.CANCELLED: {Status.PENDING: frozenset({Code.STEP_RETRIED})},
    Status.SKIPPED: {Status.PENDING: frozenset({Code.STEP_DEPENDENCY_RETRIED})},
}
JOB_RETRIES: Moves = {
    Status.FAILED: {Status.PENDING: frozenset({Code.JOB_RETRIED})},
    Status.CANCELLED: {Status.PENDING: frozenset({Code.JOB_RETRIED})},
}

JOB_STATUSES: tuple[Status, ...] = tuple(JOB_MOVES)
TERMINAL: frozenset[Status] = frozenset(
    status for status, onward in STEP_MOVES.items() if not onward
)
UNFINISHED: frozenset[Status] = frozenset(Status) - TERMINAL
HOPELESS = TERMINAL - {Status.SUCCEEDED}  # what needs a step in one of these cannot run


def is_legal(moves: Moves, old: str, new: str) -> bool:
    """True when *moves* allows a row to go from *old* to *new*."""
    return new in moves.get(Status(old), {})


_EXPLAINING = frozenset(
    code
    for moves in (STEP_MOVES, STEP_RETRIES, JOB_MOVES, JOB_RETRIES)
    for onward in moves.values()
    for codes in onward.values()
    for code in codes
)


def explains(code: str, moves: Moves, old: str, new: str) -> bool:
    """True when an entry with this code can be about the legal move from *old* to *new*.

    So can one whose code is in no table: a text, or a code of another release.
    """
    return code not in _EXPLAINING or code in moves[Status(old)][Status(new)]


def only_code(moves: Moves, old: str, new: str) -> Code:
    """The code of a legal move that has one meaning."""
    [code] = moves[Status(old)][Status(new)]
    return code


def status_of_job(current: str, steps: Collection[str]) -> Status:
    """The status that follows from the steps'; *current* says whether the job has started."""
    if all(status in TERMINAL for status in steps):
        for decisive in (Status.FAILED, Status.CANCELLED):
            if decisive in steps:
                return decisive
        return Status.SUCCEEDED
    if Status.RUNNING in steps:
        return Status.RUNNING
    return Status(current) if current in UNFINISHED else Status.PENDING
