"""``docs/reliability.md`` names tests that exist, run, check something, and are about the case."""

import ast
import functools
import re

import pytest

from tests.support import ROOT

CATALOGUE = (ROOT / "docs/reliability.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|(.*)\|$", CATALOGUE, re.MULTILINE)
# Words that nearly every case and every test has: they say nothing about what a test is about.
COMMON = """
    after again before change does each every first have into jobs made none nothing once
    only other same some step steps test that their them then there they this until what
    when where which while whose will with work worker workers
"""


def named_by(row):
    """The tests that a case names, as (path, name)."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[-1])


@functools.cache
def functions_of(path):
    """The functions and methods of a module by name, and where it imports further ones from."""
    tree = ast.parse((ROOT / path).read_text())
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}
    imported = {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        for alias in node.names
    }
    return functions, imported


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
CHECKS = re.compile(r"(^|\.)(raises|fail|expect|run_state_machine_as_test)$|\.assert_\w+$")


def checks_something(function, path, seen=()):
    """Whether a function asserts, or calls a function of the tests that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node):
            return True
        if isinstance(node, ast.Call) and CHECKS.search(ast.unparse(node.func)):
            return True
    called = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    called |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    return any(_helper_checks(name, path, seen) for name in called - {*seen})


def _helper_checks(name, path, seen):
    functions, imported = functions_of(path)
    if name in functions:
        return checks_something(functions[name], path, (*seen, name))
    if name not in imported:
        return False
    module = ROOT.joinpath(*imported[name].split("."))
    home = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    return _helper_checks(name, str(home.relative_to(ROOT)), (*seen, name))


def words_of(text):
    """Its words of four letters and more, without their endings."""
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())} - {
        w[:5] for w in COMMON.split()
    }


def test_the_cases_are_in_order():
    numbers = [int(number) for number, *_ in ROWS]
    assert numbers == list(range(1, len(ROWS) + 1))
    assert f"\n{len(ROWS)} ways" in CATALOGUE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_case_is_shown_by_tests_that_check_it(row):
    assert named_by(row)
    for path, name in named_by(row):
        functions, _ = functions_of(path)
        assert name in functions, f"{path} has no {name}"
        assert checks_something(functions[name], path), f"{name} checks nothing"
        about = words_of(" ".join(row[1:3])) & words_of(ast.unparse(functions[name]))
        assert about, f"{name} has no word in common with the case"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_case_has_a_test_that_every_run_runs(row):
    """Not only ``--full``, and not one that is skipped."""
    assert any(runs_always(functions_of(path)[0][name]) for path, name in named_by(row))


def runs_always(function):
    decorators = map(ast.unparse, function.decorator_list)
    return not any(re.fullmatch(r"pytest\.mark\.(full|skip|xfail)\b.*", d) for d in decorators)


@pytest.mark.parametrize(
    ("source", "checks"),
    [
        ("def test_it(page):\n    page.goto('/')\n    assert page", True),
        ("def test_it(page):\n    expect(page).to_have_text('x')", True),
        ("def test_it():\n    with pytest.raises(ValueError):\n        int('x')", True),
        ("def test_it(page):\n    wait_for(page)", True),
        ("def test_it(page):\n    page.goto('/')", False),
        ("def test_it(page):\n    '''It is right.'''", False),
        ("def test_it(page): ...", False),
    ],
)
def test_an_emptied_test_is_noticed(source, checks):
    [function] = ast.parse(source).body
    assert checks_something(function, "tests/browser/test_live_page.py") is checks
