"""On PostgreSQL a batch is one call of a function: what it costs, and that it is there."""

from __future__ import annotations

import os
import tempfile

import pytest
from django.core.management import call_command
from django.db import connection

from jobs import journal
from jobs.exceptions import FunctionsMissing
from jobs.journal import batch_function
from jobs.logs import LogBook
from jobs.models import Job, LogChunk, Need, Step
from jobs.orchestrator import cancel, claim, finish, launch
from tests.support import job_of, returned, step_of

pytestmark = pytest.mark.postgres

MOST_COMMITS, MOST_ROUND_TRIPS = 6, 12  # of a job of five steps, after its launch


class RoundTrips:
    """Counts what the driver sends to the server and waits for: a Sync or a simple query each."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.sent: list[str] = []

    def __enter__(self) -> RoundTrips:
        connection.connection.pgconn.trace(self._file.fileno())
        return self

    def __exit__(self, *args: object) -> None:
        connection.connection.pgconn.untrace()
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        lines = [line.split("\t") for line in self._file.read().decode().splitlines()]
        self.sent = [line[3].strip() for line in lines if line[1:2] == ["F"]]
        self._file.close()

    @property
    def count(self) -> int:
        return sum(message in ("Sync", "Query") for message in self.sent)


def run(claimant, log):
    """Run a job of five steps as a worker does, until it finds no other; the number of commits."""
    commits = 0
    while claims := claim(claimant, room=1):
        commits += 1
        while claims:
            [held] = claims
            book = LogBook(held, limit=1000)
            for line in log:
                book.add(line)
            claims = finish(claimant, held, returned(), room=1, tail=book.tail())
            commits += 1
        claimant.forget(())
    return commits


@pytest.mark.parametrize("log", [[], ["a line"]], ids=["quiet", "each step logs a line"])
def test_a_job_costs_few_commits_and_round_trips(claimant, log):
    for _ in range(4):  # its statements are prepared
        job = launch("noop")
        assert job.steps.count() == 5
        with RoundTrips() as trips:
            commits = run(claimant, log)
        assert job_of(job.pk).status == "succeeded"
    assert LogChunk.objects.count() == 4 * 5 * len(log)
    assert commits <= MOST_COMMITS
    assert trips.count <= MOST_ROUND_TRIPS, trips.sent


def test_a_launch_is_one_round_trip(claimant):
    for _ in range(2):  # it is prepared
        launch("noop")
    with RoundTrips() as trips:
        job = launch("diamond")
    assert trips.count == 1
    needs = Need.objects.filter(step__job=job)
    assert {need.step.name for need in needs} == {"left", "right", "bottom"}
    launch("noop", once="another key")
    with RoundTrips() as trips:
        launch("noop", once="a key")
    assert trips.count == 1 + 1  # its intent is looked for


def test_a_batch_is_one_round_trip(claimant):
    job = launch("noop")
    for held in claim(claimant, room=1):
        finish(claimant, held, returned(), room=0)
    with RoundTrips() as trips:
        cancel(job.pk)
    assert trips.count == 1 + 3  # and reads of the job


def test_a_process_does_not_start_without_the_function_of_its_release(database):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION {batch_function.WRITE.name}")
    try:
        with pytest.raises(FunctionsMissing, match=r"\(truestep_batch_\w+\)\. .*\.py migrate"):
            journal.require_ready()
    finally:
        call_command("migrate", verbosity=0)
    journal.require_ready()


def test_text_arrives_as_it_is(claimant):
    text = "\x1b[1m" + 'ü "\\u0000" 𝄞 \t \\ %s :job.id {x} $truestep$ \r'
    job = launch("noop")
    [held] = claim(claimant, room=1)
    book = LogBook(held, limit=1000)
    book.add(text)
    book.progress(0.1, 1e300, text)
    finish(claimant, held, returned({"text": text, "number": 1e-7}), room=0, tail=book.tail())
    step = step_of(job, "one")
    assert (step.done, step.total, step.progress_text) == (0.1, 1e300, text)
    assert step.log.get().text == text
    assert step.attempts.get().result == {"text": text, "number": 1e-7}
    assert Job.objects.get().seq == Step.objects.get(name="two").seq


def test_no_call_is_compiled(claimant):
    """It would take a hundred times as long as to run it."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit_above_cost = 0")  # whatever the plans are
        cursor.execute("LOAD 'auto_explain'")
        for name, value in (("log_min_duration", 0), ("log_nested_statements", "on")):
            cursor.execute(f"SET auto_explain.{name} = {value}")
        cursor.execute("SET auto_explain.log_analyze = on; SET client_min_messages = log")
    plans: list[str] = []
    connection.connection.add_notice_handler(lambda notice: plans.append(notice.message_primary))
    try:
        cancel(launch("diamond").pk)
    finally:
        connection.close()
    inside = [plan for plan in plans if "INSERT INTO truestep" in plan or "UPDATE" in plan]
    assert len(inside) > 5
    assert [plan for plan in inside if "JIT:" in plan] == []
