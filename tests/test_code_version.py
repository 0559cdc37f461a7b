"""Which code launched a job, and which code ran each attempt."""

import json
import subprocess
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from jobs import code_version, conf
from jobs.models import Job, Worker
from jobs.orchestrator import launch
from jobs.system.git import commit_of
from tests.support import drive, finished, program, register_worker

WHO = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]


def git(where: Path, *arguments: str) -> str:
    command = ["git", "-C", str(where), *WHO, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A checkout with one commit."""
    place = tmp_path / "checkout"
    place.mkdir()
    git(place, "init", "-q")
    git(place, "commit", "-q", "--allow-empty", "-m", "one")
    (place / "below").mkdir()
    return place


def head(place):
    return git(place, "rev-parse", "HEAD")


def on_a_branch(checkout):
    return checkout


def below_the_top(checkout):
    return checkout / "below"


def detached(checkout):
    git(checkout, "checkout", "-q", "--detach")
    return checkout


def packed(checkout):
    git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    git(checkout, "branch", "feature/one", "HEAD~1")
    git(checkout, "pack-refs", "--all")
    return checkout


def packed_and_newer(checkout):
    packed(checkout)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "three")
    return checkout


def a_worktree(checkout):
    git(checkout, "worktree", "add", "-q", "-b", "other/branch", "../tree")
    git(checkout.parent / "tree", "commit", "-q", "--allow-empty", "-m", "two")
    return checkout.parent / "tree"


def a_worktree_of_packed_refs(checkout):
    place = a_worktree(checkout)
    git(checkout, "pack-refs", "--all")
    return place


PLACES = [
    on_a_branch, below_the_top, detached, packed, packed_and_newer, a_worktree,
    a_worktree_of_packed_refs,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_the_commit_is_read_as_git_says_it(checkout, place):
    where = place(checkout)
    assert commit_of(where) == head(where) != ""


def test_without_a_commit_there_is_no_version(tmp_path, checkout):
    assert commit_of(tmp_path) == ""
    git(checkout, "checkout", "-q", "--orphan", "empty")
    assert commit_of(checkout) == ""
    (checkout / ".git/HEAD").write_text("ref: ref: HEAD")
    assert commit_of(checkout) == ""
    (checkout / ".git/HEAD").write_bytes(b"\xff")
    assert commit_of(checkout) == ""


def test_a_process_keeps_the_commit_that_it_started_with(checkout, settings):
    settings.BASE_DIR = checkout
    code_version.checked_out.cache_clear()
    try:
        before = head(checkout)
        assert code_version.current() == before
        git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
        assert code_version.current() == before
    finally:
        del settings.BASE_DIR
        code_version.checked_out.cache_clear()


@pytest.mark.parametrize("version", ["x" * 101, "a\nb", "a\0b"])
def test_a_version_that_cannot_be_shown_is_refused(settings, version):
    settings.TRUESTEP = {**settings.TRUESTEP, "code_version": version}
    with pytest.raises(ImproperlyConfigured, match=r"code_version.*at most 100 characters"):
        conf.knobs()


def test_an_attempt_of_other_code_says_so(database, ada, settings, capsys):
    mine = settings.TRUESTEP
    settings.TRUESTEP = mine | {"code_version": "v2 <b>"}
    registration, claimant = register_worker()
    settings.TRUESTEP = mine | {"code_version": "77aa01b2c3d4" + "0" * 28}
    job = drive(claimant, launch("noop"))
    settings.TRUESTEP = mine | {"code_version": "v2 <b>"}
    same = drive(claimant, launch("noop"))
    registration.deregister()
    words = "code version v2 <b> differs from that of the launch (77aa01b2c3d4)"
    escaped = words.replace("<b>", "&lt;b&gt;")
    page = ada.get(f"/jobs/{job.pk}/").content.decode()
    assert page.count(escaped) == job.steps.count()
    assert "code version 77aa01b2c3d4<" in page
    page = ada.get(f"/jobs/{same.pk}/").content.decode()
    assert "code version v2 &lt;b&gt;<" in page
    assert "differs" not in page
    call_command("show", job.pk)
    shown = capsys.readouterr().out
    assert words in shown
    assert "code version 77aa01b2c3d4\n" in shown
    call_command("show", job.pk, "--json")
    shown = json.loads(capsys.readouterr().out)
    assert shown["job"]["code_version"] == job.code_version
    assert {step["code_version"] for step in shown["steps"]} == {"v2 <b>"}
    assert "v2 &lt;b&gt;" in ada.get("/admin/truestep/worker/").content.decode()
    assert job.code_version in ada.get(f"/admin/truestep/job/{job.pk}/change/").content.decode()


def test_a_worker_carries_the_commit_of_its_checkout(worker):
    job = finished(launch("noop"))
    assert Worker.objects.get().code_version == job.code_version == code_version.checked_out()
    assert Job.objects.get().code_version == job.code_version


def test_each_of_several_attempts_says_so(database, ada, settings):
    mine = settings.TRUESTEP
    settings.TRUESTEP = mine | {"code_version": "other"}
    job = launch("poison")
    settings.TRUESTEP = mine
    with program("worker", "--slots", "1"):
        finished(job)
    assert (
        ada.get(f"/jobs/{job.pk}/").content.decode().count("from that of the launch (other)") == 3
    )
