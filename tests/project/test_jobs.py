"""The example definitions, run one step after another on a directory of hostile files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from jobs.definitions import JobDefinition
from jobs.exceptions import InvalidParams
from jobs.orchestrator import launch
from jobs.redaction import Redactor
from jobs.runner import Channel, Limits, Outcome, Run, Task, run_step
from jobs.statuses import Verdict
from project.jobs import RepositoryReport, RunCommand

pytestmark = pytest.mark.timeout(30)  # a step that opened a pipe would wait for ever

LIMITS = Limits(error_bytes=2**16, result_bytes=2**20)
NOT_UTF8 = os.fsdecode(b"caf\xe9.py")


class Trial:
    """Runs steps as slots do, and keeps what they log."""

    def __init__(self, definition: type[JobDefinition], **params: str) -> None:
        self.definition = definition
        self.params = {name: [value] for name, value in params.items()}
        self.results: dict[str, Any] = {}
        self.log: list[str] = []
        self.progress: list[tuple[float, float, str]] = []

    def step(self, name: str, is_cancelled: bool = False) -> Outcome:
        task = Task(
            definition=self.definition.name,
            step=name,
            attempt=1,
            params=self.params,
            results=json.dumps(self.results),
            idempotency_key="trial",
            limits=LIMITS,
        )
        channel = Channel(
            log=lambda text, level: self.log.append(f"{level} {text}"),
            progress=lambda *values: self.progress.append(values),
        )

        def make_run(params: dict[str, Any], hide: Redactor) -> Run:
            run = Run(task, params, channel, hide)
            run.stop_reason = "cancelled" * is_cancelled
            return run

        outcome = run_step(task, make_run)
        if outcome.verdict is Verdict.RETURNED:
            self.results[name] = outcome.result
        return outcome


def report_on(path: Path) -> Trial:
    trial = Trial(RepositoryReport, path=str(path))
    for name in RepositoryReport.steps():
        outcome = trial.step(name)
        assert outcome.verdict is Verdict.RETURNED, outcome.traceback or outcome.error
    return trial


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two equal files, a binary one, a name that is not text, and what must not be opened."""
    root = tmp_path / "tree"
    for name in ("a.py", "sub/b.py", ".git/config", "node_modules/c.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n" * 3)
    (root / "data.bin").write_bytes(b"\0" * 3000)
    (root / NOT_UTF8).write_text("y = 2\n")
    (root / "link").symlink_to(root)
    (root / "broken").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    return root


def test_the_report_counts_lines_sizes_and_equal_files(tree: Path) -> None:
    trial = report_on(tree)
    assert trial.results["list_files"] == {"files": 4, "bytes": 3042}
    assert trial.results["count_lines"] == {".py": 7, ".bin": 0}
    assert trial.results["largest_files"][0] == [f"{tree}/data.bin", 3000]
    assert trial.results["find_duplicates"] == [[f"{tree}/a.py", f"{tree}/sub/b.py"]]
    lines = trial.results["write_report"].splitlines()
    assert trial.log[-len(lines) :] == [f"info {line}" for line in lines]
    assert f"- {tree}/caf\ufffd.py: 6 bytes" in lines
    assert (4.0, 4.0, "counting lines") in trial.progress


def test_a_file_that_cannot_be_read_is_logged_and_left_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *arguments: Any) -> Any:  # root may read everything
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", refuse)
    trial = report_on(tree)
    assert f"warning cannot read {tree}/a.py: Permission denied" in trial.log
    assert trial.results["count_lines"][".py"] == 4


def test_a_directory_that_has_gone_fails_without_a_retry(tmp_path: Path) -> None:
    outcome = Trial(RepositoryReport, path=str(tmp_path / "gone")).step("list_files")
    assert outcome.verdict is Verdict.FAILED
    assert not outcome.may_retry


def test_a_file_that_vanishes_meanwhile_is_worth_a_retry(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.jobs.files", lambda run: [tree / "vanished"])
    outcome = Trial(RepositoryReport, path=str(tree)).step("list_files")
    assert outcome.verdict is Verdict.FAILED
    assert outcome.may_retry


def test_reading_stops_when_the_job_is_cancelled(tree: Path) -> None:
    trial = Trial(RepositoryReport, path=str(tree))
    assert trial.step("count_lines", is_cancelled=True).result == {}


def path_error(path: Path | str, source: str) -> str:
    with pytest.raises(InvalidParams) as refused:
        launch(RepositoryReport, {"path": str(path)}, actor="eve", source=source)
    [error] = refused.value.errors["path"]
    return error


def test_a_path_must_be_a_directory(tree: Path) -> None:
    for path in (tree / "nowhere", tree / "a.py", "/" + "x" * 5000):
        assert "is not a directory" in path_error(path, "command")


@pytest.mark.parametrize("source", ["page", "admin"])
def test_a_page_learns_nothing_outside_the_checkout(tree: Path, source: str, settings: Any) -> None:
    settings.BASE_DIR = tree / "sub"
    for path in ("..", tree, tree / "nowhere", f"{tree}/sub-not", "/"):
        assert path_error(path, source).startswith(f"Give a directory below {tree}/sub;")
    params = RepositoryReport.clean({"path": ["."]})
    RepositoryReport.authorize(params, actor="eve", source=source)
    assert params == {"path": f"{tree}/sub"}


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("true", ""),
        ("sh -c 'exit 3'", "CalledProcessError: .*returned non-zero exit status 3"),
        ("sh -c 'kill -9 $$'", "CalledProcessError: .*died with <Signals.SIGKILL: 9>"),
        ("no-such-program", "FileNotFoundError: .*'no-such-program'"),
    ],
)
def test_the_exit_code_of_a_program_decides(command: str, error: str) -> None:
    trial = Trial(RunCommand, command=command)
    outcome = trial.step("run_program")
    assert outcome.verdict is (Verdict.FAILED if error else Verdict.RETURNED)
    assert re.match(error, outcome.error)
    assert trial.log == [f"info $ {command}"]


def test_no_shell_reads_the_command_and_no_input_waits(capfd: pytest.CaptureFixture[str]) -> None:
    Trial(RunCommand, command="echo $HOME ; echo * > 'a file' | cat").step("run_program")
    assert capfd.readouterr().out == "$HOME ; echo * > a file | cat\n"
    assert Trial(RunCommand, command="cat").step("run_program").result == {"exit_code": 0}


def test_a_quotation_that_is_not_closed_is_refused() -> None:
    with pytest.raises(InvalidParams) as refused:
        RunCommand.clean({"command": ["echo 'a"]})
    assert refused.value.errors["command"] == ["No closing quotation."]
