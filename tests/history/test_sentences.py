"""Each sentence that release 0.1.0 and earlier could write has its code and data."""

from datetime import UTC, datetime

import pytest

from jobs.codes import Code
from jobs.migrations._sentences import Entry, bare, fact_of, seconds
from tests.history.codes import NEWER
from tests.support import ROOT

AT = datetime(2026, 3, 1, 0, 0, 5, tzinfo=UTC)
NAME = "it's 'odd'; retry 1 of 2 in 3 s"


def entry(kind, reason, **more):
    values = {
        "kind": kind,
        "from_status": "",
        "to_status": "",
        "at": AT,
        "reason": reason,
        "step": None,
        "timeout": None,
        "definition": "nightly",
        "worker": None,
        "worker_id": None,
        "error": None,
    }
    return Entry(**values | more)


def move(from_, to, reason, **more):
    return entry(
        "move", reason, from_status=from_, to_status=to, **{"step": NAME, "worker": "a:1"} | more
    )


def end(to, reason, **more):
    return move("running", to, reason, **more)


def job(from_, to, reason):
    return move(from_, to, reason, step=None)


UNKNOWN = f"no running worker knows step {NAME!r} of 'nightly'; waited 5 min 00 s"
HANDED_OVER = "asked for at 23:59:58 UTC, while the database was locked; its worker was told"
TOO_OFTEN = "(TRUESTEP['crashes'])"
CANCEL, RETRY = "asked to cancel; nothing to do, ", "asked to retry; nothing to do, "
SENTENCES = [
    (entry("birth", "launched"), "job.launched", {}),
    (entry("birth", "launched: a: b\nc"), "job.launched", {"why": "a: b\nc"}),
    (entry("birth", "launched again, after job 3"), "job.launched_again", {"job": 3}),
    (
        entry("birth", "launched again, after job 3: \u2068שוב\u2069"),
        "job.launched_again",
        {"job": 3, "why": "שוב"},
    ),
    (entry("request", "cancel"), "request.cancel", {}),
    (entry("request", "retry"), "request.retry", {"steps": []}),
    (entry("request", "retry: cancel"), "request.retry", {"steps": [], "why": "cancel"}),
    (entry("note", "launched again as job 7"), "note.launched_again", {"job": 7}),
    (entry("note", "launched again as job 7: x"), "note.launched_again", {"job": 7, "why": "x"}),
    (
        entry("note", "a late write of attempt 2 by a b:1 was refused"),
        "note.late_write",
        {"attempt": 2, "worker": "a b:1"},
    ),
    (entry("note", "a late write of attempt 2 was refused"), "note.late_write", {"attempt": 2}),
    (entry("note", HANDED_OVER), "note.cancel_handed_over", {"asked_at": "2026-02-28T23:59:58Z"}),
    (entry("note", CANCEL + "the job is failed"), "note.cancel_of_ended", {"status": "failed"}),
    (entry("note", CANCEL + "the job is being cancelled already"), "note.cancel_repeated", {}),
    (entry("note", RETRY + "no step has failed"), "note.retry_of_nothing", {}),
    (
        entry("note", RETRY + "a is b is pending"),
        "note.retry_of_step",
        {"step": "a is b", "status": "pending"},
    ),
    (entry("note", RETRY + "the job is being cancelled"), "note.retry_while_cancelling", {}),
    (job("pending", "running", "its first step started"), "job.started", {}),
    (job("running", "succeeded", "every step succeeded"), "job.succeeded", {}),
    (job("running", "failed", "a step failed"), "job.failed", {}),
    (
        job("pending", "failed", "no worker knows how to run its steps"),
        "job.unknown_to_workers",
        {},
    ),
    (job("running", "cancelled", "it was cancelled and no step failed"), "job.cancelled", {}),
    (job("pending", "cancelled", "cancelled while nothing ran"), "job.cancelled_waiting", {}),
    (job("pending", "cancelled", "cancelled before anything started"), "job.cancelled_waiting", {}),
    (job("failed", "pending", "steps of it are tried again"), "job.retried", {}),
    (
        move("pending", "running", "claimed by a:1", worker_id=4),
        "step.claimed",
        {"worker": "a:1", "worker_id": 4},
    ),
    (
        move("pending", "running", "claimed by worker a:1"),
        "step.claimed",
        {"worker": "a:1", "worker_id": None},
    ),
    (move("pending", "cancelled", "cancelled while it waited"), "step.cancelled_waiting", {}),
    (move("pending", "cancelled", "cancelled before it started"), "step.cancelled_waiting", {}),
    (
        move("pending", "skipped", f"needs {NAME}, which was not successful"),
        "step.dependency_unsuccessful",
        {"dependency": NAME},
    ),
    (
        move("pending", "failed", UNKNOWN),
        "step.unknown_to_workers",
        {"step": NAME, "definition": "nightly", "waited": 300},
    ),
    (move("failed", "pending", "to be tried again"), "step.retried", {}),
    (move("skipped", "pending", "what it needs is tried again"), "step.dependency_retried", {}),
    (end("succeeded", "returned"), "step.returned", {}),
    (end("failed", "returned something unusable"), "step.unusable_result", {}),
    (end("failed", "raised KeyError"), "step.raised", {"error": "KeyError"}),
    (
        end("pending", "raised KeyError; retry 2 of 3 in 4.2 s"),
        "step.raised",
        {"error": "KeyError", "retry": {"number": 2, "limit": 3, "delay": 4.2}},
    ),
    (
        end("cancelled", "raised KeyError; cancelled before its retry"),
        "step.raised",
        {"error": "KeyError", "no_retry": "cancelled"},
    ),
    (
        end("failed", "timed out after 1 h 00 min", timeout=3601.5),
        "step.timed_out",
        {"timeout": 3601.5},
    ),
    (end("failed", "timed out after 0.5 s"), "step.timed_out", {"timeout": 0.5}),
    (
        end("failed", "its process died", error="The step's process ended with exit code 3 before"),
        "step.process_died",
        {"exit_code": 3},
    ),
    (
        end(
            "failed",
            "its process died",
            error="The step's process was killed by signal 9 (SIGKILL)",
        ),
        "step.process_died",
        {"exit_code": -9},
    ),
    (
        end("failed", f"its process died, 3 times in all {TOO_OFTEN}"),
        "step.process_died",
        {"no_retry": "crashes"},
    ),
    (end("failed", "its worker vanished"), "step.worker_lost", {"worker": "a:1"}),
    (end("failed", "its worker broke: OSError"), "step.worker_broke", {"error": "OSError"}),
    (end("failed", "stopped by a stray signal"), "step.stray_signal", {}),
    (end("pending", "its worker stopped"), "step.worker_stopped", {}),
    (end("pending", "its worker never began it"), "step.never_began", {}),
    (
        end("pending", "its worker was taken for dead, and began anew"),
        "step.worker_declared_dead",
        {},
    ),
    (end("pending", "its worker showed no sign of life for too long"), "step.worker_silent", {}),
    (end("pending", "its worker did not run for 12 s"), "step.worker_frozen", {"seconds": 12}),
    (
        end("pending", "its worker could not reach the database for 1 min 05 s"),
        "step.worker_cut_off",
        {"seconds": 65},
    ),
    (
        end("failed", f"its worker did not run for 12 s, interrupted 4 times in all {TOO_OFTEN}"),
        "step.worker_frozen",
        {"seconds": 12, "no_retry": "interruptions"},
    ),
    (end("cancelled", "cancelled while it ran"), "step.cancelled_running", {}),
    (end("cancelled", "asked to stop"), "step.asked_to_stop", {}),
]
UNREADABLE = [
    entry("birth", "born"),
    entry("request", "cancel, please"),
    entry("note", "somebody wrote this"),
    job("pending", "running", "somebody wrote this"),
    move("pending", "running", "somebody wrote this"),
    end("failed", "its worker did not run for ages"),
    end("failed", ""),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence[0].reason)
def test_a_sentence_has_its_code_and_data(sentence):
    read, code, data = sentence
    assert fact_of(read) == (code, data)


@pytest.mark.parametrize("read", UNREADABLE, ids=lambda read: read.reason)
def test_what_cannot_be_known_keeps_its_text(read):
    assert fact_of(read) == ("text", {"text": read.reason})


def test_every_code_of_this_release_can_be_read_from_a_sentence():
    assert {code for _, code, _ in SENTENCES} | {"text"} == set(Code) - NEWER


def test_a_cut_reason_keeps_what_is_left():
    text = "retry: \u2068" + "א" * 492
    assert fact_of(entry("request", text + "…"))[1]["why"] == "א" * 492 + "…"


@pytest.mark.parametrize(
    ("words", "value"),
    [("0 ms", 0), ("340 ms", 0.34), ("4.2 s", 4.2), ("3 min 05 s", 185), ("3 d 04 h", 273600)],
)
def test_a_duration_is_read(words, value):
    assert seconds(words) == value


def test_marks_around_a_name_are_taken_away_once():
    assert bare("\u2068\u2068א\u2069\u2069") == "\u2068א\u2069"
    assert bare("a\u2069") == "a\u2069"


def test_only_the_migration_reads_sentences():
    readers = {
        path.name for path in ROOT.glob("jobs/**/*.py") if "_sentences import" in path.read_text()
    }
    assert readers == {"_journal.py"}
