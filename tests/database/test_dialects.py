"""Only ``database/`` knows which kind of database there is."""

import ast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction

from jobs import database
from jobs.database.dialect import Dialect, GenericDialect
from jobs.database.dialects import DIALECTS
from tests.support import ROOT

CHOOSER = "database/dialects.py"


def vendors(source: str) -> list[int]:
    """The lines that ask a connection for its vendor."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "vendor"
    ]


def test_a_question_for_the_vendor_is_found():
    assert vendors("if connection.vendor == 'sqlite':\n    pass") == [1]
    assert vendors("vendor = 'sqlite'") == []


def test_no_other_module_asks_for_the_vendor():
    modules = {
        path.relative_to(ROOT / "jobs").as_posix(): path for path in (ROOT / "jobs").rglob("*.py")
    }
    found = {name for name, path in modules.items() if vendors(path.read_text())}
    # A migration stays as it is, so it uses no module that changes.
    assert {name for name in found if not name.startswith("migrations/")} == {CHOOSER}


def test_no_module_outside_of_database_imports_a_dialect():
    for path in (ROOT / "jobs").rglob("*.py"):
        if "jobs/database/" in path.as_posix():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith(("database.sqlite", "database.postgres"))


def test_each_dialect_answers_everything():
    for dialect in DIALECTS.values():
        assert issubclass(dialect, Dialect)
        assert not dialect.__abstractmethods__


@pytest.fixture
def oracle(monkeypatch):
    """A database that Truestep has no dialect for."""
    monkeypatch.setattr(type(connections["default"]), "vendor", "oracle")


def test_a_database_without_a_dialect_is_refused(oracle):
    with pytest.raises(ImproperlyConfigured, match="not have for oracle"):
        database.dialect()


def test_a_database_without_a_dialect_can_still_be_read(transactional_db, oracle):
    """It may hold the project's users, and steps may leave transactions open there."""
    generic = database.dialect_of(connection)
    assert type(generic) is GenericDialect
    with database.snapshot():
        assert connection.in_atomic_block
        assert generic.transaction_state() is database.TransactionState.OPEN
    assert generic.transaction_state() is database.TransactionState.NONE
    transaction.set_autocommit(False)
    try:
        assert generic.transaction_state() is database.TransactionState.OPEN
    finally:
        transaction.set_autocommit(True)
    assert not generic.blocks_writers()
