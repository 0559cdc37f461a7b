"""One step, called without a database and without a worker."""

import math

import pytest

from jobs.exceptions import StepStopped
from jobs.runner import Channel, Limits, Outcome, Run, Task, run_step
from jobs.statuses import Verdict
from tests.fates import jobs as fates

LIMITS = Limits(error_bytes=1000, result_bytes=1000)


def task(definition="misbehaves", step="misbehave", **given):
    values = {"attempt": 1, "params": {}, "results": {}, "idempotency_key": "uuid:step"}
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


def call(told, monkeypatch, function, ear):
    """The outcome of a step that is this function."""
    monkeypatch.setattr(fates.Noop, "one", lambda self, run: function(run))
    return run_step(told, lambda params: Run(told, params, ear.channel))


def test_a_task_and_an_outcome_survive_the_socket():
    told = task(params={"a": ["1", "2"]}, results={"b": [None, 1.5]})
    assert Task.from_json(told.to_json()) == told
    outcome = Outcome(verdict=Verdict.FAILED, reason="raised", error="words")
    assert Outcome.from_json({**vars(outcome), "verdict": "failed"}) == outcome


def test_a_step_is_given_what_it_needs(monkeypatch, ear):
    told = task("noop", "one", attempt=3, results={"before": 1})
    outcome = call(
        told,
        monkeypatch,
        lambda run: [run.params, run.results, run.attempt, run.idempotency_key],
        ear,
    )
    assert outcome == Outcome(verdict=Verdict.RETURNED, result=[{}, {"before": 1}, 3, "uuid:step"])


def test_parameters_of_an_older_release_are_read_where_the_step_runs(ear):
    told = task("options", "tell", params={"many": ["a"], "on": ["2026-01-02"]})
    outcome = run_step(told, lambda params: Run(told, params, ear.channel))
    assert outcome.result == {"is_loud": False, "many": ["a"], "on": "2026-01-02"}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (task("nothing", "one"), "UnknownDefinition: No definition is named 'nothing'"),
        (task("noop", "nothing"), "AttributeError: 'Noop' object has no attribute 'nothing'"),
        (task("waits", "before"), "waits cannot be launched with these parameters. gate: This"),
    ],
)
def test_a_task_that_cannot_be_done_fails_and_says_why(ear, told, words):
    outcome = run_step(told, lambda params: Run(told, params, ear.channel))
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
    assert (outcome.verdict, outcome.reason) == (Verdict.STOPPED, "asked to stop")
    assert len(ear.lines) == 1


@pytest.mark.parametrize("size", [996, 997, 998, 999])
def test_a_result_may_be_as_large_as_the_limit(monkeypatch, ear, size):
    outcome = call(task("noop", "one"), monkeypatch, lambda run: "x" * size, ear)
    assert (outcome.verdict is Verdict.RETURNED) == (size + 2 <= 1000)


# --- Run ------------------------------------------------------------------------------------------


def test_log_takes_anything_that_has_a_text(run, ear):
    run.log("words")
    run.log(7, level="error")
    assert ear.lines == [("words", "info"), ("7", "error")]


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "1", None, [1]])
@pytest.mark.parametrize("name", ["done", "total"])
def test_progress_takes_numbers_from_0_on(run, name, value):
    values = {"done": 1, "total": 1, name: value}
    with pytest.raises(ValueError, match=f"{name}=.* must be a number from 0 on"):
        run.progress(**values)


def test_progress_is_told_now_and_then_and_at_the_end(run, ear):
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


def test_who_asks_whether_it_is_cancelled_is_trusted(run):
    assert not run.watches_cancel
    assert not run.cancelled
    assert run.watches_cancel
    run.stop_reason = "asked"
    assert run.cancelled
