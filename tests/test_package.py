"""What holds under either name of the package: ``jobs`` in this repository, else ``truestep``."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jobs
from jobs import definitions, exceptions, orchestrator
from tests.support import ROOT

APP = ROOT / "jobs"
MODULES = sorted(path for path in APP.rglob("*.py"))


def _dotted(path: Path) -> str:
    parts = path.relative_to(APP).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def test_loggers_are_named_truestep_and_the_module():
    loggers = {path: set(_loggers(path)) for path in MODULES}
    assert any(loggers.values())
    assert [
        path for path, names in loggers.items() if names - {repr(f"truestep.{_dotted(path)}")}
    ] == []


def _loggers(path: Path) -> list[str]:
    return [
        ast.unparse(call.args[0])
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "logging.getLogger"
        if call.args  # without a name it is the root logger, of which a step has its own
    ]


def test_modules_import_their_own_package_relatively():
    absolute = [
        f"{path}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module or ""))
        or (isinstance(node, ast.Import) and any(_is_ours(name.name) for name in node.names))
    ]
    assert absolute == []


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("jobs", "truestep")


def test_no_text_of_the_app_names_a_module_by_its_name_here():
    named = [
        (path, name)
        for path in MODULES
        for name in re.findall(r"\bjobs\.([a-z_]+)", " ".join(_texts(path)))
    ]
    assert [
        (path, name)
        for path, name in named
        if (APP / name).exists() or (APP / f"{name}.py").exists()
    ] == []


def _texts(path: Path) -> list[str]:
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run *code* in a Python that finds packages in *paths* first."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        cwd=paths[0],
        capture_output=True,
        text=True,
    )


def test_a_second_name_is_refused_with_the_line_to_change(tmp_path):
    (tmp_path / "truestep").symlink_to(APP)
    (tmp_path / "shop.py").write_text("\nfrom truestep.exceptions import NoRetry\n")
    done = _run("import jobs, shop", tmp_path, ROOT)
    assert done.returncode == 1
    assert (
        f"{tmp_path}/shop.py, line 2, imports Truestep as 'truestep', but this process already "
        f"uses it as 'jobs', from {APP}. Write 'jobs' there"
    ) in done.stderr


def test_another_package_of_the_name_is_no_second_copy(tmp_path):
    (tmp_path / "truestep").symlink_to(APP)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").touch()
    done = _run("import jobs; from truestep.exceptions import NoRetry", tmp_path)
    assert done.stderr == ""


def test_the_public_names_load_on_first_use(tmp_path):
    (tmp_path / "truestep").symlink_to(APP)
    done = _run(
        "import sys, truestep; assert 'django' not in sys.modules; print(*truestep.__all__);"
        "from truestep import JobDefinition, NoRetry, step; print(JobDefinition.__module__)",
        tmp_path,
    )
    assert done.stdout.splitlines() == [
        "Concurrency JobDefinition NoRetry cancel launch launch_many retry step",
        "truestep.definitions.base",
    ], done.stderr


def test_people_may_import_everything_they_need_from_the_package_itself():
    from jobs import JobDefinition, NoRetry, cancel, launch, launch_many, retry, step

    assert definitions.JobDefinition is JobDefinition and definitions.step is step
    assert NoRetry is exceptions.NoRetry
    assert [cancel, launch, launch_many, retry] == [
        getattr(orchestrator, name) for name in ("cancel", "launch", "launch_many", "retry")
    ]


def test_what_the_package_does_not_have_it_does_not_invent():
    with pytest.raises(AttributeError, match="module 'jobs' has no attribute 'nothing'"):
        _ = jobs.nothing
