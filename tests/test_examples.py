"""The example definitions, on real files as hostile as a disk can hold them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms

from jobs.definitions import JobDefinition
from jobs.exceptions import InvalidParams, StepStopped
from jobs.orchestrator import launch
from jobs.runner import Channel, Limits, Outcome, Run, Task, run_step
from jobs.statuses import Verdict
from project import report
from project.jobs import RepositoryReport, RunCommand

pytestmark = pytest.mark.timeout(30)  # a step that opens a pipe would wait for ever

LIMITS = Limits(error_bytes=64 * 2**10, result_bytes=2**20)
NOT_UTF8 = os.fsdecode(b"caf\xe9.py")


class Trial:
    """Runs steps one after the other, as slots do, and keeps what they say."""

    def __init__(self, definition: type[JobDefinition], **params: str) -> None:
        self.definition = definition
        self.params = {name: [value] for name, value in params.items()}
        self.results: dict[str, Any] = {}
        self.log: list[tuple[str, str]] = []  # level, text
        self.progress: list[tuple[float, float, str]] = []

    def step(self, name: str) -> Outcome:
        task = Task(
            definition=self.definition.name,
            step=name,
            attempt=1,
            params=self.params,
            results=self.results,
            idempotency_key="trial",
            limits=LIMITS,
        )
        channel = Channel(
            log=lambda text, level: self.log.append((level, text)),
            progress=lambda *values: self.progress.append(values),
        )
        outcome = run_step(task, lambda params: Run(task, params, channel))
        if outcome.verdict is Verdict.RETURNED:
            self.results[name] = outcome.result
        return outcome

    def all_steps(self) -> dict[str, Any]:
        for name in self.definition.steps():
            outcome = self.step(name)
            assert outcome.verdict is Verdict.RETURNED, outcome.traceback or outcome.error
        return self.results

    def said(self, level: str | None = None) -> list[str]:
        return [text for its_level, text in self.log if level in (None, its_level)]


def report_on(path: Path) -> Trial:
    trial = Trial(RepositoryReport, path=str(path))
    trial.all_steps()
    return trial


def write(path: Path, content: str | bytes = "one\ntwo\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def git(path: Path, *words: str, **options: Any) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(
        ["git", "-C", path, *identity, *words], check=True, capture_output=True, **options
    )


def names(path: Path) -> list[str]:
    return report.list_names(str(path)).names


def left_out(path: Path) -> dict[str, int]:
    return dict(report.look_at(str(path), names(path)).left_out)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    path.mkdir()
    git(path, "init", "--quiet")
    return path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script on the PATH, before everything else."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")

    def install(name: str, body: str) -> None:
        write(directory / name, f"#!/bin/sh\n{body}\n").chmod(0o755)

    return install


# --- what is listed -------------------------------------------------------------------------------


def test_a_checkout_is_what_git_tracks_and_what_is_new_and_not_ignored(checkout: Path) -> None:
    write(checkout / ".gitignore", "*.log\n")
    write(checkout / "tracked.py")
    git(checkout, "add", ".")
    write(checkout / "new.py")
    write(checkout / "ignored.log")
    assert names(checkout) == [".gitignore", "new.py", "tracked.py"]
    assert report_on(checkout).results["list_files"]["by_git"] is True


def test_a_directory_inside_a_checkout_is_listed_alone(checkout: Path) -> None:
    write(checkout / "outside.py")
    write(checkout / "sub" / "inside.py")
    assert names(checkout / "sub") == ["inside.py"]


def test_a_plain_directory_is_walked_without_git_directories(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "deep.py")
    write(tmp_path / "top.py")
    write(tmp_path / "a" / ".git" / "config")
    assert names(tmp_path) == ["a/b/deep.py", "top.py"]


def test_later_steps_list_as_the_first_one_did(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkout / "a.py")
    write(checkout / ".gitignore", "b.py")
    write(checkout / "b.py")
    trial = Trial(RepositoryReport, path=str(checkout))
    with monkeypatch.context() as without_git:
        without_git.setenv("PATH", "/nowhere")
        trial.step("list_files")
    trial.step("count_lines")
    assert trial.results["list_files"]["files"] == 3
    assert trial.results["count_lines"]["languages"][0] == {
        "name": "Python",
        "files": 2,
        "lines": 4,
    }


def test_without_git_a_checkout_is_walked(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(checkout / "a.py")
    monkeypatch.setenv("PATH", "/nowhere")
    trial = report_on(checkout)
    assert trial.results["list_files"]["files"] == 1
    assert "git does not list it: it cannot be started" in trial.said()[0]


def test_a_checkout_of_dubious_ownership_is_walked(
    checkout: Path, program: Callable[[str, str], None]
) -> None:
    write(checkout / "a.py")
    program("git", "echo fatal: detected dubious ownership in repository at $3 >&2; exit 128")
    trial = report_on(checkout)
    assert trial.results["list_files"]["files"] == 1
    assert "dubious ownership" in trial.said()[0]


def test_a_git_that_hangs_is_given_up(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the real one does where .gitignore is a pipe."""
    monkeypatch.setattr(report, "GIT_SECONDS", 0.5)
    write(checkout / "a.py")
    os.mkfifo(checkout / ".gitignore")
    trial = report_on(checkout)
    assert "it did not answer within 0.5 s" in trial.said()[0]
    assert trial.results["list_files"]["files"] == 1


def test_an_ignored_directory_is_walked(checkout: Path) -> None:
    write(checkout / ".gitignore", "build/\n")
    write(checkout / "build" / "out.js")
    assert names(checkout / "build") == ["out.js"]


def test_the_environment_does_not_divert_git(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkout / "a.py")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    write(other / "b.py")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert names(checkout) == ["a.py"]


def test_the_checkout_names_no_program_that_is_run(checkout: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    monitor = write(tmp_path / "monitor", f"#!/bin/sh\ntouch {mark}\n")
    monitor.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(monitor))
    write(checkout / "a.py")
    assert names(checkout) == ["a.py"]
    assert not mark.exists()


def test_a_file_in_conflict_is_listed_once(checkout: Path) -> None:
    for branch in ("one", "two"):
        git(checkout, "checkout", "--quiet", "--orphan", branch)
        write(checkout / "a.py", f"{branch}\n")
        git(checkout, "add", ".")
        git(checkout, "commit", "--quiet", "-m", branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(checkout, "merge", "--allow-unrelated-histories", "one")
    assert names(checkout) == ["a.py"]


def test_a_tracked_file_that_was_deleted_is_counted(checkout: Path) -> None:
    write(checkout / "a.py")
    git(checkout, "add", ".")
    (checkout / "a.py").unlink()
    assert left_out(checkout) == {report.MISSING: 1}


def test_a_checkout_in_a_checkout_is_counted(checkout: Path) -> None:
    write(checkout / "nested" / "a.py")
    git(checkout / "nested", "init", "--quiet")
    write(checkout / "b.py")
    assert left_out(checkout) == {report.NESTED: 1}


def test_a_tracked_directory_that_became_a_symlink_leads_nowhere(
    checkout: Path, tmp_path: Path
) -> None:
    write(checkout / "sub" / "a.py")
    git(checkout, "add", ".")
    shutil.move(checkout / "sub", tmp_path / "elsewhere")
    (checkout / "sub").symlink_to(tmp_path / "elsewhere")
    assert names(checkout) == ["sub", "sub/a.py"]
    assert left_out(checkout) == {report.SYMLINK: 2}


def test_a_tree_of_any_depth_is_walked_as_far_as_paths_go(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=directory)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)
    write(tmp_path / "a.py")
    trial = report_on(tmp_path)
    assert trial.results["list_files"]["files"] == 1
    assert [line[-18:] for line in trial.said("warning")] == ["File name too long"]


def test_a_directory_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "secret" / "a.py")
    write(tmp_path / "b.py")
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refusing(scandir, "secret"))  # root may list everything
    trial = report_on(tmp_path)
    assert trial.said("warning") == ["cannot list secret: Permission denied"]
    assert trial.results["list_files"]["files"] == 1
    assert trial.results["list_files"]["left_out"] == {report.UNLISTED: 1}


def refusing(function: Callable[..., Any], word: str) -> Callable[..., Any]:
    """*function*, refused for every path with *word* in it, as it is to anybody but root."""

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        if word in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return function(path, *args, **kwargs)

    return refuse


# --- what is never opened, and what cannot be read ------------------------------------------------


def test_links_are_counted_and_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "secret.py")
    root = tmp_path / "root"
    write(root / "a.py")
    (root / "broken").symlink_to("nowhere")
    (root / "circle").symlink_to("circle")
    (root / "up").symlink_to("..")
    (root / "out").symlink_to(outside)
    results = report_on(root).results
    assert results["list_files"]["left_out"] == {report.SYMLINK: 4}
    assert results["count_lines"]["lines"] == 2


def test_pipes_sockets_and_devices_are_counted_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    if os.getuid() == 0:
        os.mknod(tmp_path / "terminal", 0o600 | 0o020000, os.makedev(5, 0))
    else:
        os.mkfifo(tmp_path / "terminal")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))  # the full path may be too long
        write(tmp_path / "a.py")
        results = report_on(tmp_path).results
    assert results["list_files"]["left_out"] == {report.SPECIAL: 3}
    assert results["list_files"]["files"] == 1


@pytest.mark.parametrize("replace", [os.mkfifo, os.mkdir, lambda path: os.symlink("b.py", path)])
def test_a_file_that_became_something_else_is_not_read(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    write(tmp_path / "b.py")
    replace(tmp_path / "a.py")
    with pytest.raises(OSError):
        list(report.pieces(str(tmp_path / "a.py")))


@pytest.mark.parametrize("by_git", [True, False])
def test_a_name_that_is_not_utf8_is_shown_and_its_file_is_read(
    checkout: Path, by_git: bool
) -> None:
    if not by_git:
        shutil.rmtree(checkout / ".git")
    write(checkout / NOT_UTF8)
    write(checkout / "copy.py")
    trial = report_on(checkout)
    assert trial.results["list_files"]["by_git"] is by_git
    counted = trial.results["count_lines"]
    assert counted["languages"] == [{"name": "Python", "files": 2, "lines": 4}]
    assert trial.results["find_duplicates"]["top"][0]["names"] == ["caf\ufffd.py", "copy.py"]
    assert "8 bytes  caf\ufffd.py" in trial.said()
    json.dumps([trial.results, trial.said()], ensure_ascii=False).encode()


def test_names_that_look_like_markdown_stay_names(tmp_path: Path) -> None:
    write(tmp_path / "a|b`c\n# d\x1b[1m<script>")
    trial = report_on(tmp_path)
    text = trial.results["write_report"]["markdown"]
    assert "| `` a\\|b`c\ufffd# d\ufffd[1m<script> `` | 8 bytes |" in text.splitlines()


def test_a_file_that_vanishes_between_steps_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.py")
    gone = write(tmp_path / "b.py")
    trial = Trial(RepositoryReport, path=str(tmp_path))
    trial.step("list_files")
    gone.unlink()
    later = [name for name in RepositoryReport.steps() if name != "list_files"]
    assert [trial.step(name).verdict for name in later] == [Verdict.RETURNED] * 4
    assert trial.results["count_lines"]["lines"] == 2


def test_a_file_that_vanishes_while_a_step_runs_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py"):
        write(tmp_path / name)
    look_at = report.look_at

    def look_then_lose(root: str, names: list[str]) -> report.Findings:
        found = look_at(root, names)
        (tmp_path / "b.py").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(report, "look_at", look_then_lose)
    trial = Trial(RepositoryReport, path=str(tmp_path))
    trial.results["list_files"] = {"by_git": False}
    assert trial.step("count_lines").verdict is Verdict.RETURNED
    assert trial.said("warning") == ["cannot read b.py: No such file or directory"]
    assert trial.results["count_lines"]["unread"] == 1


def test_the_directory_itself_may_vanish_between_steps(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "a.py")
    trial = Trial(RepositoryReport, path=str(root))
    trial.step("list_files")
    shutil.rmtree(root)
    outcome = trial.step("count_lines")
    assert outcome.verdict is Verdict.FAILED
    assert "does not exist" in outcome.error


def test_files_that_cannot_be_read_are_named_then_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(report.NAMED + 5):
        write(tmp_path / f"secret{number:02}.py")
    write(tmp_path / "open.py")
    monkeypatch.setattr(os, "open", refusing(os.open, "secret"))  # root may read everything
    trial = report_on(tmp_path)
    assert trial.results["count_lines"]["unread"] == report.NAMED + 5
    assert trial.results["count_lines"]["lines"] == 2
    assert trial.results["find_duplicates"]["unread"] == report.NAMED + 5
    of_one_step = trial.said("warning")[: report.NAMED + 1]
    assert of_one_step[0] == "cannot read secret00.py: Permission denied"
    assert of_one_step[-1] == "further files that cannot be read are only counted"
    assert len(trial.said("warning")) == 2 * (report.NAMED + 1)
    assert f"Could not be read: {report.NAMED + 5}." in trial.results["write_report"]["markdown"]


# --- what is counted ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", 0),
        (b"one\ntwo\n", 2),
        (b"one\ntwo", 2),
        (b"one\r\ntwo\r\n", 2),
        (b"\n\n\n", 3),
        (b"caf\xe9\n", 1),
        (b"x" * (report.PIECE - 1) + b"\n", 1),
        (b"x" * (2 * report.PIECE) + b"\ny", 2),
        (b"text\0", None),
        (b"x" * report.BINARY_PIECE + b"\0\n", 1),
        (b"x" * report.PIECE + b"\0\n", 1),
    ],
)
def test_lines(tmp_path: Path, content: bytes, lines: int | None) -> None:
    assert report.count_lines(str(write(tmp_path / "file", content))) == lines


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "Python"),
        ("sub.dir/A.PY", "Python"),
        ("a.min.js", "JavaScript"),
        ("a.unknown", report.OTHER),
        ("Makefile", report.OTHER),
        (".py", report.OTHER),
        ("py.d/none", report.OTHER),
        (NOT_UTF8, "Python"),
    ],
)
def test_languages(name: str, language: str) -> None:
    assert report.language(name) == language


def test_duplicates_are_equal_content_and_nothing_less(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / name, "x" * 100)
    write(tmp_path / "other", "y" * 100)
    for name in ("d", "e"):
        write(tmp_path / name, "z" * 1000)
    found = report_on(tmp_path).results["find_duplicates"]
    assert found["groups"] == 2
    assert found["wasted"] == 1200
    assert found["top"] == [
        {"size": 1000, "copies": 2, "wasted": 1000, "names": ["d", "e"]},
        {"size": 100, "copies": 3, "wasted": 200, "names": ["a", "b", "c"]},
    ]


def test_hard_links_and_empty_files_waste_nothing(tmp_path: Path) -> None:
    os.link(write(tmp_path / "a"), tmp_path / "b")
    write(tmp_path / "c", "")
    write(tmp_path / "d", "")
    assert report_on(tmp_path).results["find_duplicates"]["groups"] == 0


def test_only_files_that_share_their_size_are_read_for_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for length in range(1, 10):
        write(tmp_path / f"{length}", "x" * length)
    monkeypatch.setattr(report, "digest", lambda path: pytest.fail(f"{path} was read"))
    trial = Trial(RepositoryReport, path=str(tmp_path))
    trial.results["list_files"] = {"by_git": False}
    assert trial.step("find_duplicates").verdict is Verdict.RETURNED


def test_the_largest_files_come_first(tmp_path: Path) -> None:
    for size in range(20):
        write(tmp_path / f"f{size:02}", "x" * size)
    write(tmp_path / "also19", "y" * 19)
    found = report_on(tmp_path).results["largest_files"]
    assert [file["name"] for file in found] == ["also19", *(f"f{n}" for n in range(19, 10, -1))]
    assert found[0]["size"] == 19


# --- the report -----------------------------------------------------------------------------------


def test_the_report_is_logged_line_by_line_and_returned(tmp_path: Path) -> None:
    write(tmp_path / "a.py", "x = 1\n" * 3)
    write(tmp_path / "b.py", "x = 1\n" * 3)
    write(tmp_path / "c.bin", b"\0" * 2048)
    (tmp_path / "link").symlink_to("a.py")
    trial = report_on(tmp_path)
    returned = trial.results["write_report"]
    lines = returned.pop("markdown").splitlines()
    assert returned == {"files": 3, "bytes": 2084, "lines": 6, "wasted_bytes": 18}
    assert trial.said()[-len(lines) :] == lines
    assert lines == [
        f"# Report on `{tmp_path}`",
        "",
        "3 files, 2.0 KiB, 6 lines of text. Binary: 1. Could not be read: 0.",
        "",
        "## Lines per language",
        "",
        "| Language | Files | Lines |",
        "| --- | --: | --: |",
        "| Python | 2 | 6 |",
        "",
        "## Largest files",
        "",
        "| File | Size |",
        "| --- | --: |",
        "| `c.bin` | 2.0 KiB |",
        "| `a.py` | 18 bytes |",
        "| `b.py` | 18 bytes |",
        "",
        "## Duplicate files",
        "",
        "1 group of files with the same content; keeping one file of each would save 18 bytes.",
        "",
        "| Files | Copies | Size of one | Wasted |",
        "| --- | --: | --: | --: |",
        "| `a.py`, `b.py` | 2 | 18 bytes | 18 bytes |",
        "",
        "## Left out",
        "",
        "| What | How many |",
        "| --- | --: |",
        "| symlinks, not followed | 1 |",
    ]


def test_an_empty_directory_has_a_report_too(tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    trial = report_on(root)
    assert trial.results["write_report"]["files"] == 0
    assert trial.said().count("None.") == 4


def test_progress_ends_at_the_number_of_files(tmp_path: Path) -> None:
    for number in range(7):
        write(tmp_path / f"{number}.py")
    trial = report_on(tmp_path)
    assert (7.0, 7.0, "looking at files") in trial.progress
    assert (7.0, 7.0, "counting lines") in trial.progress
    assert (7.0, 7.0, "comparing content") in trial.progress


def test_results_stay_small_whatever_the_names(tmp_path: Path) -> None:
    """Paths of 3,800 bytes that are no text, and more groups and copies than are shown."""
    root = tmp_path / "root"
    deep = root
    while len(os.fsencode(deep)) < 3500:
        deep = deep / os.fsdecode(b"\xe9" * 250)
    deep.mkdir(parents=True)
    for number in range(400):
        write(deep / (os.fsdecode(b"\xe9" * 240) + str(number)), "x" * (100 + number // 20))
    results = report_on(root).results
    assert results["find_duplicates"]["groups"] == 20
    assert len(json.dumps(results)) < LIMITS.result_bytes / 4
    assert results["list_files"]["files"] == 400


def test_the_three_middle_steps_run_side_by_side() -> None:
    needs = {name: step.needs for name, step in RepositoryReport.steps().items()}
    assert needs == {
        "list_files": (),
        "count_lines": ("list_files",),
        "largest_files": ("list_files",),
        "find_duplicates": ("list_files",),
        "write_report": ("count_lines", "largest_files", "find_duplicates"),
    }


@pytest.mark.parametrize("definition", [RepositoryReport, RunCommand])
def test_each_says_in_one_sentence_what_it_does(definition: type[JobDefinition]) -> None:
    assert definition.summary() == definition.__doc__
    assert definition.summary().count(".") == 1


# --- the parameter of the report ------------------------------------------------------------------


def path_errors(path: str) -> str:
    with pytest.raises(InvalidParams) as refused:
        launch(RepositoryReport, {"path": path}, source="command")
    return " ".join(refused.value.errors["path"])


def test_a_path_must_be_a_directory_that_exists(tmp_path: Path) -> None:
    file = write(tmp_path / "file.py")
    assert path_errors("") == "Give a directory, for example /srv/project."
    assert "nowhere does not exist" in path_errors(str(tmp_path / "nowhere"))
    assert "file.py is no directory" in path_errors(str(file))
    assert "does not exist" in path_errors("/" + "x" * 5000)
    assert "ull characters" in path_errors("/tmp\0")


def test_a_circle_of_links_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    assert "circle does not exist" in path_errors(str(tmp_path / "circle"))


def test_a_relative_path_means_the_same_to_the_command_and_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (tmp_path / "sub").mkdir()
    settings.BASE_DIR = tmp_path
    monkeypatch.chdir(tmp_path)
    assert RepositoryReport.clean({"path": ["sub"]}) == {"path": str(tmp_path / "sub")}
    monkeypatch.chdir(tmp_path / "sub")
    assert path_errors(".") == f". is not a full path. Give the full one: {tmp_path}/sub"


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    """The directory that pages may report on, itself reached through a symlink."""
    (tmp_path / "allowed" / "sub").mkdir(parents=True)
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed" / "out").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("allowed")
    settings.REPORT_ROOT = tmp_path / "link"
    return tmp_path / "link"


def authorize(path: Path, source: str) -> None:
    params = RepositoryReport.clean({"path": [str(path)]})
    RepositoryReport.authorize(params, actor="eve", source=source)


@pytest.mark.parametrize("source", ["page", "admin"])
def test_from_a_page_only_what_is_below_the_root(root: Path, source: str) -> None:
    authorize(root, source)
    authorize(root / "sub", source)
    authorize(root / "out" / "allowed" / "sub", source)
    for outside in (root / "..", root / "out", root.parent / "allowed-not", Path("/")):
        with pytest.raises(forms.ValidationError) as refused:
            authorize(outside, source)
        assert str(root.resolve()) in refused.value.message_dict["path"][0]


def test_a_page_does_not_tell_what_exists_outside_the_root(root: Path) -> None:
    answers = set()
    for name in ("allowed-not", "nowhere"):
        with pytest.raises(InvalidParams) as refused:
            launch(RepositoryReport, {"path": root.parent / name}, actor="eve", source="page")
        answers.add(str(refused.value))
    assert len(answers) == 1


@pytest.mark.parametrize("source", ["command", "python"])
def test_from_a_command_any_directory(root: Path, source: str) -> None:
    authorize(root.parent, source)


# --- run_command ----------------------------------------------------------------------------------


def run_command(command: str) -> tuple[Outcome, list[str]]:
    trial = Trial(RunCommand, command=command)
    return trial.step("run_program"), trial.said()


def test_a_program_writes_to_the_log_of_its_step(capfd: pytest.CaptureFixture[str]) -> None:
    outcome, said = run_command("sh -c 'echo out; echo err >&2'")
    assert outcome.result == {"exit_code": 0}
    assert capfd.readouterr() == ("out\n", "err\n")
    assert said[0] == f"$ sh -c 'echo out; echo err >&2'  (in {os.getcwd()})"
    assert said[-1].startswith("ended with exit code 0 after ")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("sh -c 'exit 3'", "ProgramError: sh ended with exit code 3"),
        ("sh -c 'kill -9 $$'", "ProgramError: sh was killed by signal 9 (Killed)"),
        ("no-such-program -v", "ProgramError: no-such-program cannot be started: No such file"),
        ("/etc/passwd", "ProgramError: /etc/passwd cannot be started: Permission denied"),
        ("/tmp", "ProgramError: /tmp cannot be started: Permission denied"),
    ],
)
def test_what_fails_says_why(command: str, error: str) -> None:
    outcome, _ = run_command(command)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error.startswith(error)


def test_a_script_without_an_interpreter_says_so(tmp_path: Path) -> None:
    script = write(tmp_path / "script", "echo hello\n")
    script.chmod(0o755)
    outcome, _ = run_command(str(script))
    assert "cannot be started: Exec format error. Give an executable file" in outcome.error


def test_no_shell_reads_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    run_command("echo $HOME ; echo * > 'a file' | cat")
    assert capfd.readouterr().out == "$HOME ; echo * > a file | cat\n"


def test_a_program_that_reads_finds_no_input() -> None:
    terminal, kept_open = os.pipe()
    before = os.dup(0)
    os.dup2(terminal, 0)
    try:
        assert run_command("cat")[0].result == {"exit_code": 0}
    finally:
        os.dup2(before, 0)
        for descriptor in (terminal, kept_open, before):
            os.close(descriptor)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "Give a program and its arguments"),
        ("   ", "Give a program and its arguments"),
        ("echo 'a", "No closing quotation: close every quote"),
        ("echo \\", "No escaped character: close every quote, and write \\\\ for a backslash."),
        ("'' a", "The first word is empty"),
    ],
)
def test_a_command_that_is_none_is_refused_in_the_form(command: str, message: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        RunCommand.clean({"command": [command]})
    assert refused.value.errors["command"][0].startswith(message)


def test_a_permission_of_its_own_guards_it() -> None:
    """What no migration creates can be granted to nobody; superusers have every permission."""
    assert RunCommand.permission == "truestep.run_any_command"


@pytest.fixture
def stop() -> Iterator[Callable[[], None]]:
    """Stops the step in the main thread wherever it is, as a slot does."""

    def handler(*_: object) -> None:
        raise StepStopped("asked to stop")

    before = signal.signal(signal.SIGUSR1, handler)
    yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_a_step_that_is_stopped_ends_its_program(
    tmp_path: Path, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()  # the step, for its program

    def wait(program: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        waits.set()
        return until_it_ends(program, timeout)

    until_it_ends = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    note = tmp_path / "note"
    script = write(
        tmp_path / "script.sh",
        f"trap 'echo ended >> {note}; exit' TERM; echo $$ > {note}; while :; do sleep 0.05; done\n",
    )

    def stop_once_it_runs() -> None:
        waits.wait()
        while not (note.exists() and note.read_text().endswith("\n")):
            time.sleep(0.01)
        stop()

    stopper = threading.Thread(target=stop_once_it_runs)
    stopper.start()
    outcome, _ = run_command(f"sh {script}")
    stopper.join()
    assert outcome.verdict is Verdict.STOPPED
    pid, ended = note.read_text().split()
    assert ended == "ended"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
