"""What page and terminal say about steps that wait and workers that may be dead."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.utils import timezone
from rich.console import Console

from jobs import conf, workers
from jobs.management.follow import LineFollower
from jobs.management.tree import JobTree
from jobs.models import Step
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.sight.waiting import read_workers
from jobs.statuses import Verdict
from jobs.times import rfc3339
from tests.support import ended, job_of, register_worker, step_of
from tests.support.rendering import rest_is_over, step_html


@pytest.fixture
def other(database):
    """Another worker's registration and claimant."""
    return register_worker()


def be_silent(registration, leases):
    """As if this process had seen no beat of it for so many leases."""
    workers.seconds_without_heartbeat(registration.worker)
    workers.liveness._observations[registration.worker.uuid].silent = leases * conf.knobs().lease


def late(job):
    """The warning about each step of the job, by name."""
    output = read_workers(job.pk)
    json.dumps(output)
    names = {str(step.pk): step.name for step in job.steps.all()}
    return {names[pk]: plain(words) for pk, words in output["late"].items()}


def waits(job, name):
    output = read_workers(job.pk)
    step = step_of(job, name)
    return plain(output["waits"].get(str(step.pk)) or output["ready"][step.queue])


def plain(words):
    return "".join(word if isinstance(word, str) else word["at"] for word in words)


# --- warnings before anything is decided ----------------------------------------------------------


def test_while_the_worker_beats_nothing_is_warned_of(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    assert late(job) == {}
    be_silent(registration, 0.4)
    assert late(job) == {}


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_missing_heartbeat_is_shown_from_its_beginning_to_its_end(claimant, other, failures):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    for _ in range(failures):
        [held] = claim(theirs, room=1)
        finish(theirs, held, ended(Verdict.FAILED), room=0)
        rest_is_over(theirs)
    claim(theirs, room=1)
    be_silent(registration, 0.6)
    beat_at = registration.worker.beat_at
    due = rfc3339(beat_at + timedelta(seconds=conf.knobs().lease))
    then = f"is then retried (attempt {failures + 2} of 3)" if failures < 2 else "then fails"
    assert late(job) == {
        "wait": f"No heartbeat from its worker {registration.worker} since {rfc3339(beat_at)}. "
        f"Without one by {due} this attempt ends. The step {then}."
    }
    registration.beat()
    assert late(job) == {}


def test_what_is_to_be_cancelled_is_so_when_its_worker_is_lost(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    cancel(job.pk)
    be_silent(registration, 0.6)
    assert late(job)["wait"].endswith("this attempt ends. The step is then cancelled.")


def test_an_ended_worker_is_shown_immediately(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    os.close(registration._lock)
    assert late(job) == {
        "wait": f"Its worker {registration.worker} has ended; its last heartbeat was at "
        f"{rfc3339(registration.worker.beat_at)}. This attempt ends. The step is then retried "
        "(attempt 2 of 3)."
    }
    registration.worker.delete()
    assert late(job)["wait"].startswith("Its worker has ended. This attempt ends.")


@pytest.mark.parametrize("how", ["ended", "silent", "both silent"])
def test_without_another_live_worker_nothing_is_decided(database, other, how):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    if how == "both silent":
        be_silent(workers.register(slots=1, knows={}), 0.6)
    if how == "ended":
        os.close(registration._lock)
    else:
        be_silent(registration, 0.6)
    said = late(job)["wait"]
    assert "Nothing is decided until " in said
    assert "start one with  python manage.py worker" in said
    assert said.endswith("The step is then retried (attempt 2 of 3).")


def test_a_warning_is_about_no_newer_state_than_was_read(claimant, other):
    _, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    assert read_workers(job.pk)["seq"] == job_of(job.pk).seq


def test_the_terminal_warns_too_inside_its_width(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    be_silent(registration, 0.6)
    lines = drawn(job, width=60)
    assert max(map(len, lines)) <= 60
    text = re.sub(r"[\s│├└─]+", " ", " ".join(lines))
    since = f"{registration.worker.beat_at.astimezone():%H:%M:%S}"
    assert f"No heartbeat from its worker {registration.worker} since {since} UTC." in text
    assert "this attempt ends. The step is then retried (attempt 2 of 3)." in text


def test_line_by_line_a_missing_heartbeat_and_its_end_are_printed_once(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    lines = []
    follower = LineFollower(job.pk, lines.append, lines.append, as_json=False)

    def look():
        lines.clear()
        follower._next_read = follower._next_clock = 0
        assert not follower.is_over()
        return [re.sub(r"^\S+ ! wait +", "", line) for line in lines if " ! wait " in line]

    assert look() == []
    be_silent(registration, 0.6)
    [said] = look()
    since = f"{registration.worker.beat_at.astimezone():%H:%M:%S}"
    assert said.startswith(f"No heartbeat from its worker {registration.worker} since {since} UTC.")
    assert said.endswith("this attempt ends. The step is then retried (attempt 2 of 3).")
    assert look() == []
    registration.beat()
    assert look() == ["its worker sends heartbeats again"]
    assert look() == []


def test_as_json_a_silence_is_no_entry_of_the_journal(claimant, other):
    registration, theirs = other
    job = launch("patient", {"gate": "/gate"})
    claim(theirs, room=1)
    be_silent(registration, 0.6)
    lines = []
    LineFollower(job.pk, lines.append, lines.append, as_json=True).is_over()
    assert len(lines) == job_of(job.pk).seq


def test_a_step_takes_one_terminal_line_whatever_its_progress_text(claimant):
    job = launch("noop")
    claim(claimant, room=1)
    text = "a page\nof the book 日本語 " * 9
    Step.objects.filter(job=job).update(done=3, total=8, progress_text=text[:200])
    _, running, *pending = drawn(job, width=70)
    assert re.match(r"├── ▶ running   one   ━+╸ +3 / 8 a page of the .*… 0 s$", running), running
    assert len(pending) == 4


def drawn(job, width=160):
    """The tree in the terminal, line by line."""
    console = Console(file=StringIO(), width=width, markup=False, highlight=False, emoji=False)
    console.print(JobTree(job.pk, 100, read_workers(job.pk)).render(console, 40))
    return console.file.getvalue().splitlines()


# --- what a pending step waits for ----------------------------------------------------------------


def test_a_step_that_rests_says_until_when_and_why(claimant):
    job = launch("rests")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED, "no answer\nat all"), room=0)
    due = step_of(job, "rest").not_before
    said = f"is retried at {rfc3339(due)} (attempt 2 of 4, after: no answer)"
    assert waits(job, "rest") == said
    html = step_html(job, "rest")
    assert f'datetime="{due.isoformat()}"' in html
    assert "(attempt 2 of 4, after: no answer)" in html
    clock = f"{due.astimezone():%H:%M:%S}"
    assert any(f"is retried at {clock} UTC (attempt 2 of 4" in line for line in drawn(job))


def test_what_is_due_waits_for_a_worker_without_an_entry(claimant):
    job = launch("rests")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    seq = job_of(job.pk).seq
    Step.objects.update(not_before=timezone.now())
    assert waits(job, "rest") == "waits for a free slot"
    assert "waits for a worker" in step_html(job, "rest")
    assert job_of(job.pk).seq == seq


def test_without_a_worker_a_step_that_rests_says_that_too(database, other):
    registration, theirs = other
    job = launch("rests")
    [held] = claim(theirs, room=1)
    finish(theirs, held, ended(Verdict.FAILED, "no answer"), room=0)
    registration.deregister()
    assert waits(job, "rest").endswith(
        "after: no answer), but no worker is running: start one with  python manage.py worker"
    )


def test_a_persons_retry_resets_the_attempt_count(claimant):
    job = launch("rests")
    for attempt in range(1, 5):
        [held] = claim(claimant, room=1)
        finish(claimant, held, ended(Verdict.FAILED), room=0)
        if attempt < 4:
            rest_is_over(claimant)
    assert job_of(job.pk).status == "failed"
    retry(job.pk)
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.FAILED, "no answer"), room=0)
    assert "(attempt 6 of 8, after: no answer)" in waits(job, "rest")


@pytest.mark.parametrize(("gap", "is_late"), [(0.4, True), (0.6, False)])
def test_an_observer_that_looks_rarely_warns_in_time_and_only_of_what_it_saw(other, gap, is_late):
    """The last beat came somewhere in the gap before it was seen; in a long one, anywhere."""
    registration, _ = other
    workers.seconds_without_heartbeat(registration.worker)
    workers.liveness._observations[registration.worker.uuid].looked_at -= gap * conf.knobs().lease
    registration.beat()
    registration.worker.refresh_from_db()
    be_silent(registration, 0.2)
    assert workers.is_late(registration.worker) is is_late
    assert workers.seconds_without_heartbeat(registration.worker) < 0.3 * conf.knobs().lease, (
        "nothing is decided by the gap"
    )
