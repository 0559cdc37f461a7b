"""What the sentences of release 0.1.0 and earlier mean. No other code reads a sentence.

``0009_codes_of_old_entries`` alone uses this. It is a frozen copy of what those releases wrote, and
imports nothing of the app. The app's ``codes`` says what the codes and their data are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Fact = tuple[str, dict[str, Any]]
Sentences = dict[str, str]  # pattern, whose groups are data → code

_WHY = r"(: (?P<why>.*))?"
_NO_CANCEL, _NO_RETRY = "asked to cancel; nothing to do, ", "asked to retry; nothing to do, "

BIRTHS: Sentences = {
    f"launched{_WHY}": "job.launched",
    rf"launched again, after job (?P<job>\d+){_WHY}": "job.launched_again",
}
REQUESTS: Sentences = {
    "cancel": "request.cancel",
    f"retry{_WHY}": "request.retry",
}
NOTES: Sentences = {
    rf"launched again as job (?P<job>\d+){_WHY}": "note.launched_again",
    r"a late write of attempt (?P<attempt>\d+)( by (?P<worker>.+))? was refused": "note.late_write",
    r"asked for at (?P<asked_at>\d\d:\d\d:\d\d) UTC, while the database was locked; its worker was "
    "told": "note.cancel_handed_over",
    f"{_NO_CANCEL}the job is being cancelled already": "note.cancel_repeated",
    rf"{_NO_CANCEL}the job is (?P<status>\w+)": "note.cancel_of_ended",
    f"{_NO_RETRY}no step has failed": "note.retry_of_nothing",
    f"{_NO_RETRY}the job is being cancelled": "note.retry_while_cancelling",
    rf"{_NO_RETRY}(?P<step>.+) is (?P<status>pending|running|succeeded|failed|cancelled|skipped)": (
        "note.retry_of_step"
    ),
}
JOB_MOVES: Sentences = {
    "its first step started": "job.started",
    "every step succeeded": "job.succeeded",
    "a step failed": "job.failed",
    "no worker knows how to run its steps": "job.unknown_to_workers",
    "it was cancelled and no step failed": "job.cancelled",
    "cancelled while nothing ran|cancelled before anything started": "job.cancelled_waiting",
    "steps of it are tried again": "job.retried",
}
STEP_MOVES: Sentences = {  # of a step that does not run
    "claimed by (worker )?(?P<worker>.+)": "step.claimed",
    "needs (?P<dependency>.+), which was not successful": "step.dependency_unsuccessful",
    "cancelled while it waited|cancelled before it started": "step.cancelled_waiting",
    "no running worker knows step .+; waited (?P<waited>[^;]+)": "step.unknown_to_workers",
    "to be tried again": "step.retried",
    "what it needs is tried again": "step.dependency_retried",
}
ENDS: Sentences = {  # of an attempt, without what follows
    "returned": "step.returned",
    "raised (?P<error>.+)": "step.raised",
    "returned something unusable": "step.unusable_result",
    "timed out after (?P<timeout>.+)": "step.timed_out",
    "cancelled while it ran": "step.cancelled_running",
    "its process died": "step.process_died",
    "its worker vanished": "step.worker_lost",
    "its worker stopped": "step.worker_stopped",
    "its worker broke: (?P<error>.+)": "step.worker_broke",
    "its worker never began it": "step.never_began",
    "its worker did not run for (?P<seconds>.+)": "step.worker_frozen",
    "its worker could not reach the database for (?P<seconds>.+)": "step.worker_cut_off",
    "its worker showed no sign of life for too long": "step.worker_silent",
    "its worker was taken for dead, and began anew": "step.worker_declared_dead",
    "stopped by a stray signal": "step.stray_signal",
    "asked to stop": "step.asked_to_stop",
}
TAILS: dict[str, Sentences] = {  # of the end of an attempt, by what the step became
    "pending": {r"; retry (?P<number>\d+) of (?P<limit>\d+) in (?P<delay>[^;]+)\Z": "retry"},
    "failed": {
        r", interrupted \d+ times in all \(TRUESTEP\['crashes'\]\)\Z": "interruptions",
        r", \d+ times in all \(TRUESTEP\['crashes'\]\)\Z": "crashes",
    },
    "cancelled": {r"; cancelled before its retry\Z": "cancelled"},
}


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
    worker: str | None  # that claimed the attempt, as host:pid
    worker_id: int | None
    error: str | None  # of the attempt, where its process died


def fact_of(entry: Entry) -> Fact:
    """The code and data of an entry; its text as it is where they cannot be known."""
    try:
        return _read(entry) or ("text", {"text": entry.reason})
    except ValueError:  # a duration that no release wrote so
        return "text", {"text": entry.reason}


def _read(entry: Entry) -> Fact | None:
    text = entry.reason
    more: dict[str, Any] = {}
    if entry.kind != "move":
        sentences = {"birth": BIRTHS, "request": REQUESTS, "note": NOTES}[entry.kind]
    elif entry.step is None:
        sentences = JOB_MOVES
    elif entry.from_status != "running":
        sentences = STEP_MOVES
    else:
        sentences = ENDS
        text, more = _without_tail(text, entry.to_status)
    if fact := _match(sentences, text):
        code, data = fact
        return code, {**data, **_beside(code, data, entry), **more}
    return None


def _match(sentences: Sentences, text: str) -> Fact | None:
    for pattern, code in sentences.items():
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return code, _values(found)
    return None


def _without_tail(text: str, to_status: str) -> tuple[str, dict[str, Any]]:
    """What ended the attempt, and whether a retry follows."""
    for pattern, what in TAILS.get(to_status, {}).items():
        if tail := re.search(pattern, text):
            more = {"retry": _values(tail)} if what == "retry" else {"no_retry": what}
            return text[: tail.start()], more
    return text, {}


def _beside(code: str, data: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """What the sentence does not say, or not exactly, and a row beside it does."""
    match code:
        case "request.retry":
            return {"steps": []}  # its moves follow
        case "note.cancel_handed_over":
            return {"asked_at": _last_time(data["asked_at"], entry.at)}
        case "step.claimed":
            return {"worker_id": entry.worker_id}
        case "step.unknown_to_workers":
            return {"step": entry.step, "definition": entry.definition}
        case "step.timed_out" if entry.timeout:
            return {"timeout": entry.timeout}
        case "step.worker_lost":
            return {"worker": entry.worker}
        case "step.process_died":
            return _exit_code(entry.error or "")
    return {}


def _last_time(clock: str, at: datetime) -> str:
    """The last moment before *at* with this time of day, as RFC 3339 in UTC."""
    hour, minute, second = map(int, clock.split(":"))
    moment = at.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
    if moment > at:
        moment -= timedelta(days=1)
    return moment.isoformat().replace("+00:00", "Z")


def _exit_code(error: str) -> dict[str, int]:
    """The exit code that the error names; negative: the number of a signal."""
    if ended := re.match(r"The step's process ended with exit code (\d+)", error):
        return {"exit_code": int(ended[1])}
    if killed := re.match(r"The step's process was killed by signal (\d+)", error):
        return {"exit_code": -int(killed[1])}
    return {}


def seconds(duration: str) -> float:
    """Seconds of ``340 ms``, ``4.2 s``, ``3 min 05 s``, ``2 h 07 min`` or ``3 d 04 h``.

    Raises ValueError when it is none of these.
    """
    words = duration.split()
    if len(words) % 2 or not set(words[1::2]) <= _SECONDS.keys():
        raise ValueError(duration)
    parts = zip(words[::2], words[1::2], strict=True)
    return round(sum(float(number) * _SECONDS[unit] for number, unit in parts), 3)


def bare(text: str) -> str:
    """A text without the pair of marks that kept its direction from the sentence around it."""
    return text.removeprefix("\u2068").removesuffix("\u2069") if text[:1] == "\u2068" else text


_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
_READERS: dict[str, Callable[[str], Any]] = {
    "job": int,
    "attempt": int,
    "number": int,
    "limit": int,
    "why": bare,
    "step": bare,
    "dependency": bare,
    "delay": seconds,
    "seconds": seconds,
    "timeout": seconds,
    "waited": seconds,
}


def _values(found: re.Match[str]) -> dict[str, Any]:
    """The named groups that the sentence has, each as what it is."""
    given = {key: value for key, value in found.groupdict().items() if value is not None}
    return {key: _READERS.get(key, str)(value) for key, value in given.items()}
