"""However a step misbehaves, it ends in a clear message; nothing is lost, nothing hangs."""

import re
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils.html import escape

from jobs import audit, logs
from jobs.models import Attempt, Job, Step
from jobs.orchestrator import launch
from tests.support import job_of, program, step_of, wait_for
from tests.testapp.misbehaving_jobs import BEHAVIOURS

pytestmark = [
    pytest.mark.django_db,  # makes the database; it is written by the fixture alone
    pytest.mark.slow,
]

FAILURES = {
    "return a set": "The step returned what would not come back equal: result is a set.",
    "return NaN": "The step returned what would not come back equal: result is nan.",
    "return bytes": "The step returned what would not come back equal: result is a bytes.",
    "return too much": "the step returned 1,048,578 bytes of JSON; the limit is 1,048,576",
    "return itself": "The step returned what would not come back equal: result[0][0]",
    "return a huge number": 'The step returned what would not come back equal: result["n"] is an',
    "return what is too deep": 'The step returned what would not come back equal: result["n"][0]',
    "raise": "ValueError: <b>no</b> such luck",
    "raise without text": "ValueError",
    "raise the unprintable": "Unprintable: (its text cannot be shown: RuntimeError in __str__)",
    "raise odd text": "ValueError: nul ␀ esc ␛[31m lone � <script>",
    "raise 10 MB": "ValueError: xxx",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "recurse": "RecursionError: maximum recursion depth exceeded",
    "sys.exit": "SystemExit: the step called sys.exit(None)",
    "sys.exit 0": "SystemExit: the step called sys.exit(0)",
    "sys.exit text": "SystemExit: the step called sys.exit(enough)",
    "os._exit 0": "The step's process ended with exit code 0 before the step returned.",
    "os._exit 7": "The step's process ended with exit code 7 before the step returned.",
    "die by KILL": "The step's process was killed by signal 9 (SIGKILL) before the step returned.",
    "die by SEGV": "The step's process was killed by signal 11 (SIGSEGV) before the step returned.",
    "TERM itself": "The step was stopped by SIGTERM, which its worker had not sent.",
    "close every descriptor": "The step's process ended with exit code 1",
    "log at no level": "ValueError: level 'loud' is not one of debug, info,",
}
SUCCESSES = {
    "return odd text": {"a\0b": ["\x1b[31m", "\ud800"]},
    "fork and return twice": "from the parent",
    "leave a daemon": None,
    "close its output": None,
    "hide its output": None,
    "break what clears up": None,
    "print binary": 257,
    "print NUL": None,
    "print ANSI": None,
    "print markup": None,
    "print a lone surrogate": None,
    "print 10 MB in a line": None,
    "log 60 MB in a line": None,
    "log odd text": None,
    "progress of nothing": None,
    "progress of NaN": None,
    "end without a newline": None,
    "speak from a child at the end": 0,
}
OUTPUT = {
    "print NUL": ["a␀b"],
    "print ANSI": ["red"],
    "print markup": ["<script>alert(1)</script>"],
    "print a lone surrogate": ["\\udcff"],
    "log odd text": ["nul ␀ esc ␛ lone �", "second line"],
    "end without a newline": ["no newline"],
    "speak from a child at the end": ["late"],
}


@dataclass
class Case:
    """What became of one behaviour, and how it is shown."""

    job: Job
    step: Step
    after: Step
    attempt: Attempt
    reason: str  # of the journal entry that ended the step
    lines: list[str]
    page: str
    admin: str


@pytest.fixture(scope="module")
def cases(django_db_setup, django_db_blocker):
    """All on one worker, so that each one also shows that the worker survived the last."""
    with django_db_blocker.unblock(), program("worker") as worker:
        try:
            jobs = {
                behaviour: launch("misbehaves", {"behaviour": behaviour})
                for behaviour in BEHAVIOURS
            }
            with suppress(AssertionError):  # the behaviour that hangs fails its own test
                wait_for(lambda: not Job.objects.unfinished().exists(), 90)
            client = Client()
            client.force_login(User.objects.create_superuser("ada"))
            yield {behaviour: case(job, client) for behaviour, job in jobs.items()}
            assert worker.process.poll() is None
            assert worker.errors == []
            assert list(audit.differences()) == []
        finally:
            worker.end()
            call_command("flush", interactive=False, verbosity=0)


def case(job, client):
    step = step_of(job, "misbehave")
    return Case(
        job=job_of(job.pk),
        step=step,
        after=step_of(job, "after"),
        attempt=Attempt.objects.filter(step=step).last(),
        reason=step.journal.latest("seq").reason,
        lines=[line.text for line in logs.read(step.pk, 1, step.log_lines)],
        page=client.get(f"/jobs/{job.pk}/").text,
        admin=client.get(f"/admin/truestep/job/{job.pk}/change/").text,
    )


def test_every_behaviour_has_a_test():
    assert set(BEHAVIOURS) == set(FAILURES) | set(SUCCESSES)


@pytest.mark.parametrize("behaviour", FAILURES)
def test_bad_behaviour_fails_the_step_with_a_clear_error(cases, behaviour):
    case = cases[behaviour]
    assert case.attempt.error.startswith(FAILURES[behaviour])
    assert (case.job.status, case.step.status, case.after.status) == ("failed", "failed", "skipped")
    assert case.attempt.result is None
    assert re.match(
        r"raised \w+|its process died|stopped by a stray|returned an unusable result", case.reason
    )


@pytest.mark.parametrize("behaviour", FAILURES)
def test_the_error_of_bad_behaviour_is_shown_escaped_and_short(cases, behaviour):
    case = cases[behaviour]
    reported = escape(case.attempt.error)
    assert reported in case.page
    assert reported in case.admin
    assert len(case.attempt.error.encode()) < 20_000
    assert len(case.attempt.traceback.encode()) < 20_000


@pytest.mark.parametrize("behaviour", SUCCESSES)
def test_strange_behaviour_that_does_no_harm_succeeds(cases, behaviour):
    """Its result is kept, also when it has changed Python itself."""
    case = cases[behaviour]
    assert (case.job.status, case.attempt.error) == ("succeeded", "")
    assert case.attempt.result == SUCCESSES[behaviour]


@pytest.mark.parametrize("behaviour", OUTPUT)
def test_binary_output_and_control_characters_are_made_visible(cases, behaviour):
    assert cases[behaviour].lines == OUTPUT[behaviour]


@pytest.mark.parametrize(
    ("behaviour", "letter", "size"),
    [("print 10 MB in a line", "x", 10), ("log 60 MB in a line", "y", 60)],
)
def test_megabytes_without_a_newline_are_kept_in_marked_pieces(cases, behaviour, letter, size):
    lines = cases[behaviour].lines
    assert {line[-2:] for line in lines[:-1]} == {"…⏎"}
    assert max(map(len, lines)) <= 16 * 1024 + 3
    assert sum(line.count(letter) for line in lines) == size * 2**20


def test_binary_output_is_shown_and_splits_at_its_newlines(cases):
    first, second = cases["print binary"].lines
    assert first.startswith("␀␁␂")
    assert second.startswith("␎␏␐")  # drawn over what was before the carriage return
    assert second.endswith("�")


def test_a_daemon_that_a_step_left_is_ended_and_reported(cases):
    daemon, reported = cases["leave a daemon"].lines
    assert reported == "The step left 1 process(es) running; they were ended."
    assert not psutil.pid_exists(int(daemon.split()[1]))
