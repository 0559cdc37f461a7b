"""What holds under either name of the package: ``jobs`` in this repository, else ``truestep``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support import ROOT

APP = ROOT / "jobs"
MODULES = sorted(path for path in APP.rglob("*.py"))


def _dotted(path: Path) -> str:
    parts = path.relative_to(APP).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", MODULES, ids=_dotted)
def test_loggers_are_named_truestep_and_the_module(path):
    names = [
        ast.unparse(call.args[0])
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "logging.getLogger"
        if call.args  # without a name it is the root logger, of which a step has its own
    ]
    assert set(names) <= {repr(f"truestep.{_dotted(path)}")}
