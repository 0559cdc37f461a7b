"""Whatever happens, in whatever order, on both databases: the journal agrees with the rows.

Each run is up to 25 actions of ``tests.machine``, chosen by Hypothesis, with a check of everything
after each of them. ``script/test`` does 20 runs on each database, ``script/test --full`` 1,000;
choose any other number with

    MACHINE_RUNS=5000 script/test --full tests/test_machine.py
"""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.machine.actions import ACTIONS
from tests.machine.play import begin, play, settle
from tests.support import ROOT

pytestmark = pytest.mark.slow
BATCH = 20  # runs of one test
RUNS = int(os.environ.get("MACHINE_RUNS", "1000"))


def rule_of(name):
    """The action as a rule: Hypothesis chooses its numbers, and when it happens."""

    @precondition(lambda machine: machine.simulation.can(name))
    @rule(**{key: st.integers(0, size - 1) for key, size in ACTIONS[name].sizes.items()})
    def do(self, **numbers):
        self.simulation.do(name, **numbers)

    do.__name__ = name
    return do


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.simulation = begin()

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:
                settle(self.simulation)
        finally:
            self.simulation.close()


for name, action in ACTIONS.items():
    for number in range(action.weight):  # Hypothesis chooses among rules alike
        setattr(Machine, f"{name}_{number}" if number else name, rule_of(name))


@pytest.mark.either
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "batch",
    [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, -(-RUNS // BATCH)))],
)
def test_after_every_action_the_journal_and_the_rows_agree(transactional_db, batch):
    """Claims, logs, progress, ends, cancels and retries; heartbeats and sweeps; messages too late,
    for a job that has ended or is gone. Clocks jump, and the machine is suspended.
    """
    run_state_machine_as_test(
        seed(batch)(type("Machine", (Machine,), {})),
        settings=settings(
            max_examples=min(BATCH, RUNS),
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.postgres
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 200), marks=pytest.mark.full)])
def test_equal_seeds_make_equal_histories_on_both_databases(transactional_db, tmp_path, seeds):
    there = {"TRUESTEP_TEST_DIR": str(tmp_path), "DATABASE_URL": "sqlite:///unused"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.machine", *map(str, seeds)],
        cwd=ROOT,
        env=os.environ | there | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        here = [play(number) for number in seeds]
        on_sqlite = [json.loads(line) for line in child.stdout]
    assert child.returncode == 0
    for number, mine, theirs in zip(seeds, here, on_sqlite, strict=True):
        assert mine == theirs, f"seed {number}"


def test_an_equal_seed_makes_an_equal_history(transactional_db):
    assert play(1) == play(1) != play(2)
