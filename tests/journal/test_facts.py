"""Each entry is written with a code and with all that its later readers need."""

import json

import pytest

from jobs import conf
from jobs.codes import Fact
from jobs.journal import JobState, commit
from jobs.logs import LogBook
from jobs.models import Attempt
from jobs.orchestrator import cancel, claim, finish, launch, note_refused, retry
from jobs.statuses import Verdict
from tests.support import drive, ended, job_of, returned, step_of


def facts(job, *kinds):
    """The codes of a job's entries in order, with their data."""
    entries = job.journal.filter(kind__in=kinds) if kinds else job.journal.all()
    return [(entry.code, entry.data) for entry in entries.order_by("seq")]


def test_every_entry_of_a_job_has_a_code_and_its_words_in_english(claimant):
    job = drive(
        claimant, launch("fails", actor="ada", why="again"), lambda held: ended(Verdict.FAILED)
    )
    retry(job.pk)
    cancel(job.pk)
    for entry in job_of(job.pk).journal.all():
        assert entry.code
        assert entry.reason == Fact(entry.code, entry.data).reason == str(entry.words)
        json.dumps(entry.data, allow_nan=False)


def test_a_birth_and_a_job_say_why(claimant):
    old = drive(claimant, launch("noop"))
    new = launch("noop", again_of=old, why="the disk was full")
    assert facts(new) == [("job.launched_again", {"job": old.pk, "why": "the disk was full"})]
    assert facts(old, "note") == [
        ("note.launched_again", {"job": new.pk, "why": "the disk was full"})
    ]
    assert [code for code, _ in facts(old) if code.startswith("job.")] == [
        "job.launched",
        "job.started",
        "job.succeeded",
    ]


def test_a_claim_names_its_worker_and_an_end_its_numbers(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    book = LogBook(held, 1000)
    for line in ("one", "two"):
        book.add(line)
    book.write()
    finish(claimant, held, returned(), room=0, tail=book.tail())
    claimed, end = job.journal.filter(step=held.step_id).order_by("seq")
    worker = claimant.worker
    assert (claimed.code, claimed.data) == (
        "step.claimed",
        {"worker": str(worker), "worker_id": worker.pk},
    )
    assert (end.code, end.data) == (
        "step.returned",
        {"log_lines": 2, "failures": 0, "crashes": 0, "interruptions": 0},
    )
    assert Attempt.objects.filter(step=end.step_id, number=end.attempt).exists()


def test_the_log_goes_on_where_the_attempt_before_ended(claimant):
    """Also when its length is not given."""
    job = launch("rests")
    for attempt in (1, 2):
        [held] = claim(claimant, room=1)
        book = LogBook(held, 1000)
        assert book.last == held.log_lines == attempt - 1
        book.add("a line")
        book.write()
        assert book.last == attempt
        finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    ends = job.journal.filter(from_status="running", to_status="pending").order_by("seq")
    assert [entry.data["log_lines"] for entry in ends] == [1, 2]


def test_an_automatic_retry_is_counted_in_its_entry(claimant):
    job = launch("rests")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.TIMED_OUT), room=0)
    entry = job.journal.get(step=held.step_id, to_status="pending")
    step = step_of(job, held.name)
    retry_ = entry.data["retry"]
    assert (retry_["number"], retry_["limit"], entry.data["failures"]) == (1, step.retries, 1)
    pause = (step.not_before - entry.at).total_seconds()
    assert retry_["delay"] == pytest.approx(pause, abs=0.001)


def test_an_entry_says_which_limit_left_no_retry(claimant):
    job = launch("rests")
    [held] = claim(claimant, room=1)
    cancel(job.pk)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    assert job.journal.get(to_status="cancelled", attempt=1).data["no_retry"] == "cancelled"
    other = launch("noop")
    for _ in range(conf.knobs().crashes + 1):
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.INTERRUPTED), room=0)
    last = other.journal.get(step=held.step_id, to_status="failed")
    assert last.data["no_retry"] == "interruptions"
    assert last.data["interruptions"] == conf.knobs().crashes + 1


def test_a_skipped_step_names_the_dependency(claimant):
    job = launch("noop")
    [one] = claim(claimant, room=1)
    finish(claimant, one, ended(Verdict.FAILED), room=0)
    skipped = job.journal.get(step=step_of(job, "two").pk, to_status="skipped")
    assert (skipped.code, skipped.data) == (
        "step.dependency_unsuccessful",
        {"dependency": "one", "dependency_id": one.step_id},
    )


def test_requests_and_their_refusals_are_told_apart_by_codes(claimant):
    job = launch("noop")
    [one] = claim(claimant, room=1)
    retry(job.pk)
    retry(job.pk, "one")
    cancel(job.pk)
    cancel(job.pk)
    retry(job.pk)
    note_refused(claimant, one)
    finish(claimant, one, ended(Verdict.STOPPED), room=0)
    cancel(job.pk)
    retry(job.pk, "two", why="mended")
    assert facts(job, "request", "note") == [
        ("note.retry_of_nothing", {}),
        ("note.retry_of_step", {"step": "one", "status": "running"}),
        ("request.cancel", {}),
        ("note.cancel_repeated", {}),
        ("note.retry_while_cancelling", {}),
        ("note.late_write", {"attempt": 1, "worker": str(claimant.worker)}),
        ("note.cancel_of_ended", {"status": "cancelled"}),
        ("request.retry", {"steps": ["one", "two"], "why": "mended"}),
    ]
    taken_back = job.journal.filter(from_status="cancelled", step__isnull=False)
    assert set(taken_back.values_list("code", flat=True)) == {"step.retried"}


def test_a_text_of_an_older_release_is_shown_as_it_was(claimant):
    job = launch("noop")
    commit(JobState.load(job.pk), lambda batch: batch.note(Fact.text("some {thing} happened")))
    note = job.journal.get(kind="note")
    assert (note.code, str(note.words)) == ("text", "some {thing} happened")
