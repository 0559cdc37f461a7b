"""Which moves are legal, and which status a job has by its steps."""

from itertools import product

import pytest

from jobs.statuses import (
    JOB_MOVES,
    JOB_STATUSES,
    STEP_MOVES,
    TERMINAL,
    UNFINISHED,
    Status,
    is_legal,
    status_of_job,
)
from tests.support.expected import LEGAL_JOB_MOVES, LEGAL_STEP_MOVES

PAIRS = list(product(Status.values, Status.values))

# Written out once more, so that a change of the tables is a decision.


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_every_pair_of_step_statuses_is_decided(old, new):
    assert is_legal(STEP_MOVES, old, new) == ((old, new) in LEGAL_STEP_MOVES)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_every_pair_of_job_statuses_is_decided(old, new):
    assert is_legal(JOB_MOVES, old, new) == ((old, new) in LEGAL_JOB_MOVES)


def test_a_word_that_is_no_status_is_an_error():
    with pytest.raises(ValueError, match="done"):
        is_legal(STEP_MOVES, "done", "pending")


def test_the_tables_name_every_status_and_explain_every_move():
    assert set(STEP_MOVES) == set(Status)
    assert set(JOB_STATUSES) == set(Status) - {Status.SKIPPED}
    assert all(
        why for moves in (STEP_MOVES, JOB_MOVES) for on in moves.values() for why in on.values()
    )


def test_terminal_is_final():
    assert {"succeeded", "failed", "cancelled", "skipped"} == TERMINAL
    assert {"pending", "running"} == UNFINISHED


@pytest.mark.parametrize(
    ("current", "steps", "status"),
    [
        ("pending", {"pending"}, "pending"),
        ("pending", {"pending", "running"}, "running"),
        ("running", {"pending", "succeeded"}, "running"),  # between two steps it still runs
        ("running", {"pending"}, "running"),  # handed back: it has started, and stays started
        ("running", {"running", "failed"}, "running"),  # siblings of a failure continue
        ("running", {"succeeded"}, "succeeded"),
        ("running", {"succeeded", "failed", "skipped"}, "failed"),
        ("running", {"succeeded", "cancelled", "skipped"}, "cancelled"),
        ("running", {"cancelled", "failed"}, "failed"),  # cancelled, but a step failed
        ("pending", {"cancelled"}, "cancelled"),
        ("pending", {"failed", "skipped"}, "failed"),
    ],
)
def test_the_status_of_a_job_follows_from_its_steps(current, steps, status):
    assert status_of_job(current, steps) == status
