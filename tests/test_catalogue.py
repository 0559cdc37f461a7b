"""``docs/reliability.md`` names only tests that exist, and says something about every case."""

import ast
import re

import pytest

from tests.support import ROOT

CATALOGUE = (ROOT / "docs/reliability.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|(.*)\|$", CATALOGUE, re.MULTILINE)
# Filled in by the tests of crashes, outages and restored copies.


def test_the_cases_are_in_order():
    numbers = [int(number) for number, *_ in ROWS]
    assert numbers == list(range(1, len(ROWS) + 1))
    assert f"\n{len(ROWS)} ways" in CATALOGUE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_case_names_tests_that_exist(row):
    *_, shown_by = row
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown_by)
    assert named
    for path, name in named:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_case_has_a_test_that_every_run_runs(row):
    """Not only ``--full``."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[-1])
    assert any("pytest.mark.full" not in decorators_of(ROOT / path, name) for path, name in named)


def decorators_of(path, name):
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if getattr(node, "name", "") == name)
    return [ast.unparse(decorator) for found in functions for decorator in found.decorator_list]
