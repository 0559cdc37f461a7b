"""Following a job line by line, through retries of its own and of people."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from jobs.logs import LogBook
from jobs.management import follow
from jobs.management.commands import launch as command
from jobs.models import Job
from jobs.orchestrator import cancel, claim, finish, launch, retry
from jobs.statuses import Verdict
from tests.support import drive, ended, job_of, program, returned, step_of, wait_for
from tests.support.follower import Follower


def test_attempts_are_printed_in_order_with_their_logs_and_reasons(claimant):
    job = launch("rests", actor="ada")
    output = Follower(job)
    assert output.look() == (False, [f"· job {job.pk} rests launched by ada"])
    [held] = claim(claimant, room=1)
    book = LogBook(held, 1000)
    book.add("a line")
    book.write()
    finish(claimant, held, ended(Verdict.FAILED, "no answer"), room=0)
    over, lines = output.look()
    assert not over
    assert lines[:3] == [
        "▶ rest running",
        f"▶ job {job.pk} rests running",
        "│ rest a line",
    ]
    assert lines[3].startswith("· rest pending (no answer; retry 1 of 3 in ")


def test_a_persons_request_is_printed_with_name_and_reason(claimant):
    old = launch("noop")
    job = launch("noop", again_of=old, why="once more")
    output = Follower(job)
    assert output.look()[1] == [
        f"· job {job.pk} noop launched again, after job {old.pk}: once more"
    ]
    cancel(job.pk, actor="ada")
    over, lines = output.look()
    assert over
    assert lines[0] == f"! job {job.pk} noop cancel requested by ada"
    retry(job.pk, "one", actor="vera", why="by mistake: sorry")
    over, lines = output.look()
    assert not over
    assert lines[0] == "! one retry requested by vera: by mistake: sorry"
    assert output.follower.status == "pending"


def test_as_json_a_request_is_its_journal_entry(claimant):
    job = drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))
    output = Follower(job, as_json=True)
    output.look()
    retry(job.pk, "fine", actor="ada", why="mended")
    output.look()
    request = json.loads(output.lines[0])
    assert (request["kind"], request["actor"], request["reason"]) == (
        "request",
        "ada",
        "retry: mended",
    )


def test_the_exit_code_is_that_of_the_end_that_was_shown(claimant, monkeypatch):
    """A person retries the job just when the command has seen it end."""
    job = drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))
    monkeypatch.setattr(command, "Interrupts", lambda: SimpleNamespace(count=0))
    is_over = follow.LineFollower.is_over

    def over_and_taken_back(follower):
        over = is_over(follower)
        if over:
            retry(job.pk)
        return over

    monkeypatch.setattr(follow.LineFollower, "is_over", over_and_taken_back)
    following = command.Command(stdout=io.StringIO())
    options = {"follow": job.pk, "definition": None, "detach": False, "json": False}
    assert following._follow(options) == 1
    assert job_of(job.pk).status == "pending"
    drive(claimant, job, lambda held: returned())


def test_a_job_deleted_while_it_is_followed_is_gone_not_failed(claimant, monkeypatch):
    job = launch("noop")
    monkeypatch.setattr(command, "Interrupts", lambda: SimpleNamespace(count=0))
    is_over = follow.LineFollower.is_over

    def over_after_the_deletion(follower):
        Job.objects.filter(pk=job.pk).delete()
        return is_over(follower)

    monkeypatch.setattr(follow.LineFollower, "is_over", over_after_the_deletion)
    with pytest.raises(CommandError, match="The job is gone") as raised:
        call_command("launch", follow=job.pk)
    assert raised.value.returncode == command.CANNOT_RUN


@pytest.mark.slow
def test_a_persons_retry_while_the_job_is_followed_is_printed(database, tmp_path):
    file, gate = tmp_path / "file", tmp_path / "gate"
    output = ("--file", str(file), "--gate", str(gate))
    with program("launch", "mendable_beside", *output) as running:
        job = wait_for(lambda: Job.objects.first() or running._ended_early(), 60)
        wait_for(lambda: step_of(job, "mend").status == "failed", 60)
        file.touch()
        assert retry(job.pk, "mend", actor="ada") == ["mend"]
        wait_for(lambda: step_of(job, "mend").status == "succeeded", 60)
        gate.touch()
        assert running.wait(60) == 0
    assert any("mend" in line and "retry requested by ada" in line for line in running.lines)
    assert job_of(job.pk).status == "succeeded"
