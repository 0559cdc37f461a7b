"""The layers of the app: an import that goes up fails the build, and nothing else does."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

PLANTED = [
    ("jobs/news.py", "from .orchestrator import launch", "Imports run downwards only"),
    ("jobs/sight/steps.py", "from .job import look", "Imports inside sight run downwards only"),
    ("jobs/sight/job.py", "from ..journal import JobState", "Sight writes nothing"),
    ("jobs/models/steps.py", "from .. import journal", "Imports run downwards only"),
    ("jobs/definitions/values.py", "from ..models import Job", "Imports run downwards only"),
    (
        "jobs/definitions/values.py",
        "from .parameters import understand",
        "Imports inside the definitions run downwards only",
    ),
    ("jobs/journal/state.py", "from .. import views", "Imports run downwards only"),
    (
        "jobs/journal/state.py",
        "from .commit import commit",
        "Imports inside the journal run downwards only",
    ),
    (
        "jobs/orchestrator/claims.py",
        "from .endings import finish",
        "Imports inside the orchestrator run downwards only",
    ),
    ("jobs/in_no_layer.py", "", "Imports run downwards only"),
    (
        "jobs/slots/state.py",
        "from . import slot",
        "Imports inside the slots run downwards only",
    ),
    (
        "jobs/management/commands/worker.py",
        "from ...engines import embedded",
        "An engine is loaded by its dotted path",
    ),
    ("jobs/admin/job.py", "from ..live import fragments", "Admin and terminal know no socket"),
    (
        "jobs/management/tree.py",
        "from ..live.viewers import Frame",
        "Admin and terminal know no socket",
    ),
    ("jobs/live/hub.py", "from .. import journal", "The live page only reads"),
    ("jobs/live/fragments.py", "from ..orchestrator import cancel", "The live page only reads"),
    ("jobs/runner.py", "from . import models", "What runs inside a step knows no database"),
    ("jobs/conf.py", "from project import settings", "The app does not know the project"),
]


@pytest.fixture
def house(tmp_path):
    """A copy of everything that the contracts are about."""
    for package in ("jobs", "project"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=house,
        capture_output=True,
        text=True,
    )


def test_the_imports_as_they_are_pass(house):
    linted = lint_imports(house)
    assert linted.returncode == 0, linted.stdout
    assert " 0 broken" in linted.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_an_import_that_goes_up_is_refused(house, file, line, contract):
    assert (house / file).exists() == bool(line), "only the module in no layer is a new one"
    with (house / file).open("a") as planted:
        planted.write(f"\n{line}\n")
    linted = lint_imports(house)
    assert linted.returncode == 1, linted.stdout
    assert f"{contract} BROKEN" in linted.stdout


@pytest.mark.parametrize(
    "name",
    [
        *(f"definitions/{path.stem}" for path in sorted((ROOT / "jobs/definitions").glob("*.py"))),
        *("exceptions", "runner", "statuses", "text"),
    ],
)
def test_what_runs_inside_a_step_knows_no_database(name):
    # import-linter sees Django as one whole, so its parts are looked for here.
    tree = ast.parse((ROOT / "jobs" / f"{name}.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    allowed = {"django.db.models.TextChoices"}  # an enum that happens to live there
    if name == "definitions/values":  # a parameter may be a row of the user's own tables
        allowed |= {"django.db.models.Model", "django.db.models.QuerySet"}
    assert [each for each in imported - allowed if each.startswith("django.db")] == []


# --- the tests themselves -------------------------------------------------------------------------


def imports(path: Path):
    """The dotted name of everything that a module imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_no_module_imports_a_test_module():
    """What tests share is in ``tests/support`` and in fixtures."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "tests").rglob("*.py")
        for name in imports(path)
        if name.startswith("tests.") and re.search(r"\.(test_|conftest\b)", name)
    ]
    assert wrong == []
