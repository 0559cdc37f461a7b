"""What the sentences of release 0.1.0 and earlier mean: the only code that reads them.

``0009_codes_of_old_entries`` alone uses this. It is a frozen copy of what those releases wrote, and imports
nothing of the app. ``codes`` of release 0.2 lists the codes and their data.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Fact = tuple[str, dict[str, Any]]


class Entry(NamedTuple):
    """A journal entry, with what is known beside it."""

    kind: str
    from_status: str
    to_status: str
    at: datetime
    reason: str
    step: str | None  # its name
    timeout: float | None  # of the step, in seconds
    definition: str
    worker: str | None  # who claimed the attempt, as host:pid
    worker_id: int | None
    error: str | None  # of the attempt, where its process died


def fact_of(entry: Entry) -> Fact:
    """The code and data of an entry; its text as it is where they cannot be known."""
    read = {"birth": _birth, "request": _request, "note": _note, "move": _move}[entry.kind]
    unknown = "text", {"text": entry.reason}
    try:
        return read(entry) or unknown
    except ValueError:  # a duration that no release wrote so
        return unknown


# --- births, requests and notes -------------------------------------------------------------------


def _birth(entry: Entry) -> Fact | None:
    if again := re.fullmatch(r"launched again, after job (\d+)(?:: (.*))?", entry.reason, re.S):
        return "job.launched_again", {"job": int(again[1]), **_why(again[2])}
    if first := re.fullmatch(r"launched(?:: (.*))?", entry.reason, re.S):
        return "job.launched", _why(first[1])
    return None


def _request(entry: Entry) -> Fact | None:
    if entry.reason == "cancel":
        return "request.cancel", {}
    if retry := re.fullmatch(r"retry(?:: (.*))?", entry.reason, re.S):
        return "request.retry", {"steps": [], **_why(retry[1])}
    return None


def _note(entry: Entry) -> Fact | None:
    if again := re.fullmatch(r"launched again as job (\d+)(?:: (.*))?", entry.reason, re.S):
        return "note.launched_again", {"job": int(again[1]), **_why(again[2])}
    if late := re.fullmatch(r"a late write of attempt (\d+)(?: by (.+))? was refused", entry.reason):
        worker = {"worker": late[2]} if late[2] else {}
        return "note.late_write", {"attempt": int(late[1]), **worker}
    if asked := re.fullmatch(
        r"asked for at (\d\d):(\d\d):(\d\d) UTC, while the database was locked; its worker was told",
        entry.reason,
    ):
        return "note.cancel_handed_over", {"asked_at": _last_time(entry.at, *map(int, asked.groups()))}
    if nothing := re.fullmatch(r"asked to cancel; nothing to do, the job is (.+)", entry.reason):
        if nothing[1] == "being cancelled already":
            return "note.cancel_repeated", {}
        return "note.cancel_of_ended", {"status": nothing[1]}
    if nothing := re.fullmatch(r"asked to retry; nothing to do, (.+)", entry.reason, re.S):
        return _retry_of_nothing(nothing[1])
    return None


def _retry_of_nothing(present: str) -> Fact | None:
    if present == "no step has failed":
        return "note.retry_of_nothing", {}
    if present == "the job is being cancelled":
        return "note.retry_while_cancelling", {}
    if step := re.fullmatch(
        r"(.+) is (pending|running|succeeded|failed|cancelled|skipped)", present, re.S
    ):
        return "note.retry_of_step", {"step": bare(step[1]), "status": step[2]}
    return None


def _why(text: str | None) -> dict[str, str]:
    return {"why": bare(text)} if text else {}


def _last_time(at: datetime, hour: int, minute: int, second: int) -> str:
    """The last moment before *at* with this time of day, as RFC 3339 in UTC."""
    moment = at.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
    if moment > at:
        moment -= timedelta(days=1)
    return moment.isoformat().replace("+00:00", "Z")


# --- moves ----------------------------------------------------------------------------------------

_OF_JOB = {
    "its first step started": "job.started",
    "every step succeeded": "job.succeeded",
    "a step failed": "job.failed",
    "no worker knows how to run its steps": "job.unknown_to_workers",
    "it was cancelled and no step failed": "job.cancelled",
    "cancelled while nothing ran": "job.cancelled_waiting",
    "cancelled before anything started": "job.cancelled_waiting",
    "steps of it are tried again": "job.retried",
}
_OF_WAITING_STEP = {
    "cancelled while it waited": "step.cancelled_waiting",
    "cancelled before it started": "step.cancelled_waiting",
    "to be tried again": "step.retried",
    "what it needs is tried again": "step.dependency_retried",
}
_END_OF_ATTEMPT = {
    "returned": "step.returned",
    "returned something unusable": "step.unusable_result",
    "its process died": "step.process_died",
    "its worker vanished": "step.worker_lost",
    "stopped by a stray signal": "step.stray_signal",
    "its worker stopped": "step.worker_stopped",
    "its worker never began it": "step.never_began",
    "its worker was taken for dead, and began anew": "step.worker_declared_dead",
    "its worker showed no sign of life for too long": "step.worker_silent",
    "cancelled while it ran": "step.cancelled_running",
    "asked to stop": "step.asked_to_stop",
}


def _move(entry: Entry) -> Fact | None:
    if entry.step is None:
        return (code, {}) if (code := _OF_JOB.get(entry.reason)) else None
    if entry.from_status == "running":
        return _end_of_attempt(entry)
    return _move_of_waiting_step(entry)


def _move_of_waiting_step(entry: Entry) -> Fact | None:
    if code := _OF_WAITING_STEP.get(entry.reason):
        return code, {}
    if claimed := re.fullmatch(r"claimed by (?:worker )?(.+)", entry.reason):
        return "step.claimed", {"worker": claimed[1], "worker_id": entry.worker_id}
    if needs := re.fullmatch(r"needs (.+), which was not successful", entry.reason, re.S):
        return "step.dependency_unsuccessful", {"dependency": bare(needs[1])}
    known = f"no running worker knows step {entry.step!r} of {entry.definition!r}; waited "
    if entry.reason.startswith(known):
        waited = seconds(entry.reason.removeprefix(known))
        return "step.unknown_to_workers", {
            "step": entry.step,
            "definition": entry.definition,
            "waited": waited,
        }
    return None


def _end_of_attempt(entry: Entry) -> Fact | None:
    clause, more = _without_tail(entry)
    if code := _END_OF_ATTEMPT.get(clause):
        return code, {**_beside(code, entry), **more}
    if raised := re.fullmatch(r"raised (.+)", clause, re.S):
        return "step.raised", {"error": raised[1], **more}
    if broke := re.fullmatch(r"its worker broke: (.+)", clause, re.S):
        return "step.worker_broke", {"error": broke[1], **more}
    if late := re.fullmatch(r"timed out after (.+)", clause):
        return "step.timed_out", {"timeout": entry.timeout or seconds(late[1]), **more}
    if frozen := re.fullmatch(r"its worker did not run for (.+)", clause):
        return "step.worker_frozen", {"seconds": seconds(frozen[1]), **more}
    if away := re.fullmatch(r"its worker could not reach the database for (.+)", clause):
        return "step.worker_cut_off", {"seconds": seconds(away[1]), **more}
    return None


def _without_tail(entry: Entry) -> tuple[str, dict[str, Any]]:
    """What ended the attempt, and whether a retry follows."""
    clause = entry.reason
    if entry.to_status == "pending":
        if tail := re.search(r"; retry (\d+) of (\d+) in ([^;]+)\Z", clause):
            retry = {"number": int(tail[1]), "limit": int(tail[2]), "delay": seconds(tail[3])}
            return clause[: tail.start()], {"retry": retry}
    if entry.to_status == "failed":
        if tail := re.search(r", (interrupted )?\d+ times in all \(TRUESTEP\['crashes'\]\)\Z", clause):
            return clause[: tail.start()], {"no_retry": "interruptions" if tail[1] else "crashes"}
    if entry.to_status == "cancelled" and clause.endswith(tail := "; cancelled before its retry"):
        return clause.removesuffix(tail), {"no_retry": "cancelled"}
    return clause, {}


def _beside(code: str, entry: Entry) -> dict[str, Any]:
    """What the sentence does not say, and a row beside it does."""
    if code == "step.worker_lost":
        return {"worker": entry.worker}
    if code == "step.process_died" and (exit_code := _exit_code(entry.error or "")) is not None:
        return {"exit_code": exit_code}
    return {}


def _exit_code(error: str) -> int | None:
    """The exit code that the error names; negative: the number of a signal."""
    if ended := re.match(r"The step's process ended with exit code (\d+)", error):
        return int(ended[1])
    if killed := re.match(r"The step's process was killed by signal (\d+)", error):
        return -int(killed[1])
    return None


# --- words ----------------------------------------------------------------------------------------

_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> float:
    """Seconds of ``340 ms``, ``4.2 s``, ``3 min 05 s``, ``2 h 07 min`` or ``3 d 04 h``.

    Raises ValueError when it is none of these.
    """
    words = duration.split()
    if len(words) % 2 or not set(words[1::2]) <= _SECONDS.keys():
        raise ValueError(duration)
    return round(sum(float(n) * _SECONDS[unit] for n, unit in zip(words[::2], words[1::2])), 3)


def bare(text: str) -> str:
    """A text without the pair of marks that kept its direction from the sentence around it."""
    return text.removeprefix("\u2068").removesuffix("\u2069") if text[:1] == "\u2068" else text
