"""One step, called without a database and without a worker."""

import json
import math
from collections import OrderedDict
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from http import HTTPStatus

import pytest

from jobs.codes import Code, Fact
from jobs.exceptions import StepStopped
from jobs.runner import Channel, Limits, Outcome, Run, Task, run_step
from jobs.statuses import Verdict
from tests.testapp.simple_jobs import Noop

LIMITS = Limits(error_bytes=1000, result_bytes=1000)


def task(definition="misbehaves", step="misbehave", **given):
    values = {"attempt": 1, "params": {}, "results": "{}", "idempotency_key": "uuid:step"}
    return Task(definition=definition, step=step, limits=LIMITS, **(values | given))


class Ear:
    """What a step says, kept."""

    def __init__(self):
        self.lines = []
        self.progress = []
        self.channel = Channel(
            log=lambda text, level: self.lines.append((text, level)),
            progress=lambda *values: self.progress.append(values),
        )


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def run(ear):
    return Run(task(), {}, ear.channel)


def call(output, monkeypatch, function, ear):
    """The outcome of a step that is this function."""
    monkeypatch.setattr(Noop, "one", lambda self, run: function(run))
    return run_step(output, lambda params, hide: Run(output, params, ear.channel, hide))


def test_a_task_and_an_outcome_survive_the_socket():
    output = task(params={"a": ["1", "2"]}, results='{"b": [null, 1.5]}')
    assert Task.from_lines(*output.to_lines().splitlines(keepends=True)) == output
    outcome = Outcome(verdict=Verdict.FAILED, fact=Fact.text("raised"), error="words")
    assert Outcome.from_json(json.loads(json.dumps(asdict(outcome)))) == outcome


def test_a_step_gets_its_parameters_results_and_attempt(monkeypatch, ear):
    output = task("noop", "one", attempt=3, results='{"before": 1}')
    outcome = call(
        output,
        monkeypatch,
        lambda run: [run.params, run.results, run.attempt, run.idempotency_key],
        ear,
    )
    assert outcome == Outcome(
        verdict=Verdict.RETURNED,
        fact=Fact(Code.STEP_RETURNED),
        result=[{}, {"before": 1}, 3, "uuid:step"],
    )


def test_parameters_of_an_older_release_are_read_where_the_step_runs(ear):
    output = task("options", "tell", params={"many": ["a"], "on": ["2026-01-02"]})
    outcome = run_step(output, lambda params, hide: Run(output, params, ear.channel, hide))
    assert outcome.result == {"is_loud": False, "many": ["a"], "on": "2026-01-02"}


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (task("nothing", "one"), "UnknownDefinition: No definition is named 'nothing'"),
        (task("noop", "nothing"), "AttributeError: 'Noop' object has no attribute 'nothing'"),
        (task("waits", "before"), "waits cannot be launched with these parameters. gate: This"),
    ],
)
def test_a_task_that_cannot_be_done_fails_and_says_why(ear, output, words):
    outcome = run_step(output, lambda params, hide: Run(output, params, ear.channel, hide))
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error.startswith(words)


def test_errors_and_tracebacks_are_cut_to_the_limit(monkeypatch, ear):
    def long_winded(run):
        raise ValueError("x" * 5000)

    outcome = call(task("noop", "one"), monkeypatch, long_winded, ear)
    assert len(outcome.error) < 1100
    assert len(outcome.traceback) < 1100
    assert "bytes cut here" in outcome.error


def test_a_traceback_begins_with_the_steps_own_code(monkeypatch, ear):
    def explode(run):
        raise ValueError("boom")

    traceback = call(task("noop", "one"), monkeypatch, explode, ear).traceback
    assert "in explode" in traceback
    assert "run_step" not in traceback


def test_a_step_that_was_stopped_says_so(monkeypatch, ear):
    def stopped(run):
        try:
            raise StepStopped("asked to stop")
        finally:
            run.log("putting things in order")

    outcome = call(task("noop", "one"), monkeypatch, stopped, ear)
    assert (outcome.verdict, outcome.fact) == (
        Verdict.STOPPED,
        Fact(Code.STEP_ASKED_TO_STOP),
    )
    assert len(ear.lines) == 1


class Colour(StrEnum):
    RED = "red"


def nested(depth):
    return [nested(depth - 1)] if depth > 1 else []


EQUAL = [
    None,
    True,
    [1, 2.0, -0.5, 1e23, 5e-324, 2**64, 10**400],
    {"z": 1, "a": {"": [[], {}]}},
    "dos\r\nnul \0 esc \x1b lone \ud800 ü",
    [Colour.RED, HTTPStatus.OK, OrderedDict(a=1)],
    [10**4300 - 1, "\ude00\ud83d", nested(199)],
]


@pytest.mark.parametrize("value", EQUAL, ids=range(len(EQUAL)))
def test_a_result_comes_back_equal(monkeypatch, ear, value):
    roomy = replace(task("noop", "one"), limits=replace(LIMITS, result_bytes=5000))
    outcome = call(roomy, monkeypatch, lambda run: value, ear)
    given = task("noop", "two", results=json.dumps({"one": outcome.result}))
    there = Task.from_lines(*given.to_lines().splitlines(keepends=True))
    results = Run(there, {}, ear).results
    assert outcome.verdict is Verdict.RETURNED
    assert results["one"] == value
    if isinstance(value, dict):
        assert list(results["one"]) == list(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((1, 2), "result is a tuple"),
        ({"rows": [0, 1, 2, (3,)]}, 'result["rows"][3] is a tuple'),
        ({"a": {"b": {1, 2}}}, 'result["a"]["b"] is a set'),
        ([{1: "one"}], "result[0] has the key 1, an int"),
        ({None: 1}, "result has the key None, a NoneType"),
        ([Decimal("0.1")], "result[0] is a Decimal"),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, 'result["at"] is a datetime'),
        ([b"raw"], "result[0] is a bytes"),
        ({"x": [math.nan]}, 'result["x"][0] is nan'),
        ([0, -(10**4300)], "result[1] is an integer of more than 4,300 digits"),
        ({"a": ["\ud83d\ude00"]}, 'result["a"][0] has a surrogate pair'),
        ({"\ud83d\ude00": 1}, "result has a key with a surrogate pair"),
        (nested(201), "… is nested more than 200 deep"),
    ],
)
def test_a_result_that_changes_in_json_fails_and_names_the_place(monkeypatch, ear, value, words):
    outcome = call(task("noop", "one"), monkeypatch, lambda run: value, ear)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error.startswith("The step returned what would not come back equal: result")
    assert words in outcome.error


@pytest.mark.parametrize("size", [996, 997, 998, 999])
def test_a_result_may_be_as_large_as_the_limit(monkeypatch, ear, size):
    outcome = call(task("noop", "one"), monkeypatch, lambda run: "x" * size, ear)
    assert (outcome.verdict is Verdict.RETURNED) == (size + 2 <= 1000)


# --- Run ------------------------------------------------------------------------------------------


def test_log_takes_anything_that_has_a_text(run, ear):
    run.log("words")
    run.log(7, level="error")
    assert ear.lines == [("words", "info"), ("7", "error")]


class Meter:
    """A number of another library."""

    def __float__(self):
        return 2.0


@pytest.mark.parametrize(
    ("value", "counts_as"),
    [
        (2, 2),
        (True, 1),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (Meter(), 2),
        (-1, 0),
        (Decimal("sNaN"), 0),
        (math.nan, 0),
        (-math.inf, 0),
        (math.inf, 0),
        (10**400, 0),
        (None, 0),
        ([1], 0),
    ],
)
def test_progress_takes_any_number_and_never_fails(run, ear, value, counts_as):
    run.progress(value, 10)
    run._reported_at = 0.0
    run.progress(1, value)
    assert ear.progress == [(counts_as, 10, ""), (1, counts_as, "")]


def test_progress_is_sent_now_and_then_and_at_the_end(run, ear):
    for done in range(10_001):
        run.progress(done, 10_000)
    assert len(ear.progress) < 1000
    assert ear.progress[-1] == (10_000.0, 10_000.0, "")


def test_the_text_of_progress_is_cleaned_and_cut(run, ear):
    run.progress(1, 1, "\x1b" + "x" * 500)
    assert ear.progress == [(1.0, 1.0, "␛" + "x" * 199)]


@pytest.mark.parametrize("iterable", [[1, 2, 3], (1, 2, 3), iter([1, 2, 3])])
def test_track_counts_what_goes_through(run, ear, iterable):
    assert list(run.track(iterable, "counting")) == [1, 2, 3]
    assert ear.progress[0] == (0.0, 3.0, "counting")
    assert ear.progress[-1] == (3.0, 3.0, "counting")


def test_track_of_nothing_is_done(run, ear):
    assert list(run.track([])) == []
    assert ear.progress == [(0.0, 0.0, "")]


def test_a_step_that_watches_for_cancel_is_trusted(run):
    assert not run.watches_cancel
    assert not run.cancelled
    assert run.watches_cancel
    run.stop_reason = "asked"
    assert run.cancelled


def test_a_group_ends_also_when_its_step_fails(run, ear):
    with pytest.raises(ValueError, match="no"), run.group("load\n data"):
        run.log("row")
        raise ValueError("no")
    assert [text for text, _ in ear.lines] == ["::group::load data", "row", "::endgroup::"]
