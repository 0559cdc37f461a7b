"""Each code has words, and a row in the table that lists its data."""

import ast
import json
import re
import string

import pytest
from django.utils import translation

from jobs import codes, exceptions
from jobs.codes import Code, Fact, OrderCode, gist, words
from jobs.exceptions import TruestepError
from jobs.statuses import JOB_MOVES, JOB_RETRIES, STEP_MOVES, STEP_RETRIES
from tests.support import ROOT

EXAMPLES = {
    "asked_at": "2026-11-27T09:30:00.000000Z",
    "attempt": 2,
    "deadline": 3600,
    "definition": "noop",
    "dependency": "fetch",
    "error": "ValueError",
    "job": 7,
    "left": 720.5,
    "queue": "gpu",
    "seconds": 75.5,
    "status": "succeeded",
    "step": "load",
    "text": "100 % {done}",
    "timeout": 0.3,
    "waited": 5,
    "warn_after": 60,
    "worker": "host:12",
    "key": "customer-7",
}


def data_for(code: str) -> dict:
    names = {name for _, name, *_ in string.Formatter().parse(codes._WORDS[code]) if name}
    return {name: EXAMPLES[name] for name in names}


@pytest.mark.parametrize("code", [*Code, *OrderCode])
def test_every_code_has_words_and_a_row_in_the_table(code):
    fact = Fact(code, data_for(code))
    assert fact.reason
    assert "{" not in fact.reason.replace("{done}", "")
    assert words(fact.code, fact.data, "") == fact.reason
    [listed] = re.findall(rf"^{code} +(.+)$", codes.__doc__, re.MULTILINE)
    assert all(key in listed for key in fact.data)


def test_every_legal_move_has_codes_that_explain_it():
    for moves in (STEP_MOVES, STEP_RETRIES, JOB_MOVES, JOB_RETRIES):
        for onward in moves.values():
            assert all(onward.values())
    for moves in (JOB_MOVES, JOB_RETRIES):
        assert all(len(explained) == 1 for on in moves.values() for explained in on.values())


@pytest.mark.parametrize(
    ("data", "output"),
    [
        ({}, "raised OSError"),
        (
            {"retry": {"number": 1, "limit": 3, "delay": 0.34}},
            "raised OSError; retry 1 of 3 in 340 ms",
        ),
        ({"no_retry": "cancelled"}, "raised OSError; cancelled before its retry"),
        (
            {"no_retry": "crashes", "crashes": 3},
            "raised OSError, 3 times in all (TRUESTEP['crashes'])",
        ),
        (
            {"no_retry": "interruptions", "interruptions": 4},
            "raised OSError, interrupted 4 times in all (TRUESTEP['crashes'])",
        ),
    ],
)
def test_an_end_says_what_follows_from_it(data, output):
    assert Fact(Code.STEP_RAISED, {"error": "OSError", **data}).reason == output


def test_a_persons_reason_is_shown_whole_and_apart():
    fact = Fact(Code.REQUEST_RETRY, {"steps": ["load"], "why": "the disk is {empty}"})
    assert fact.reason == "retry: the disk is {empty}"
    assert gist(fact.code, fact.data, "") == "retry"
    assert Fact(Code.REQUEST_RETRY, {"steps": []}).but(why=None).reason == "retry"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("step.teleported", {}),  # of a newer release
        ("step.raised", {}),
        ("step.raised", {"error": "X", "no_retry": "weather"}),
        ("step.timed_out", {"timeout": "soon"}),
        ("", {}),  # of an older release
    ],
)
def test_what_cannot_be_put_in_words_shows_its_stored_english(code, data):
    assert words(code, data, "as it was stored") == "as it was stored"


def test_words_are_made_in_the_language_of_their_reader(monkeypatch):
    said = words("step.returned", {}, "returned")
    monkeypatch.setattr(codes, "gettext", {"returned": "zurückgekehrt"}.get)
    with translation.override("de"):
        assert str(said) == "zurückgekehrt"
    assert Fact(Code.STEP_RETURNED).reason == "returned"  # what is stored stays English


def test_facts_are_strict_json():
    fact = Fact(Code.STEP_RAISED, {"error": "E", "retry": {"number": 1, "limit": 2, "delay": 1}})
    assert Fact(**json.loads(json.dumps({"code": fact.code, "data": fact.data}))) == fact


# --- no one parses what is made of them -----------------------------------------------------------

SENTENCES = {"reason", "words", "sentence"}  # of an entry or a fact
MAKERS = {"words", "gist"}
A_SENTENCE = ast.parse("entry.reason", mode="eval").body
PARSERS = {"partition", "rpartition", "split", "rsplit", "startswith", "endswith", "removeprefix"}
PARSERS |= {"removesuffix", "find", "rfind", "index", "count", "replace", "match", "search"}


def is_sentence(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in MAKERS
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def parsed_sentences(source: str) -> list[str]:
    """The places that compare, cut or search a sentence, or look rows up by it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
            case ast.Subscript():
                operands = [node.value]
            case ast.Call(func=ast.Attribute(attr=method)) if method in PARSERS:
                operands = [node.func.value, *node.args]
            case ast.keyword(arg=str(name)) if re.match(r"reason__", name):
                operands = [A_SENTENCE]
            case ast.Call(func=ast.Attribute(attr="filter" | "exclude" | "get")):
                named = any(keyword.arg == "reason" for keyword in node.keywords)
                operands = [A_SENTENCE] if named else []
            case ast.Constant(value=str(text)):
                asked = re.search(r"\breason (=|<>|LIKE|IN)\s", text)
                operands = [A_SENTENCE] if asked else []
            case _:
                continue
        if any(map(is_sentence, operands)):
            found.append(ast.unparse(node))
    return found


SOURCES = [path for path in sorted((ROOT / "jobs").rglob("*.py")) if "migrations" not in path.parts]


def test_no_code_parses_or_compares_a_sentence():
    found = {str(path): parsed_sentences(path.read_text()) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "is_cancel = entry.reason == 'cancel'",
        "told = entry.reason.partition(': ')[0]",
        "first = entry.words[0]",
        "if 'refused' in fact.sentence: pass",
        "journal.filter(reason__contains='refused')",
        "journal.filter(reason='cancel')",
        "re.match('launched', entry.reason)",
        "words(entry.code, entry.data).startswith('retry')",
        "sql = 'SELECT id FROM truestep_transition WHERE reason = %s'",
    ],
)
def test_each_way_to_parse_a_sentence_is_found(line):
    assert parsed_sentences(line)


def test_errors_have_codes_of_their_own():
    errors = [TruestepError]
    for error in errors:  # it grows
        errors += error.__subclasses__()
    ours = [error for error in errors if error.__module__ == exceptions.__name__]
    assert len({error.code for error in ours}) == len(ours) >= 16
    assert all(re.fullmatch("[a-z_]+", error.code) for error in ours)
