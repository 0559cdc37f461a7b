"""Jobs of five steps: one that does nothing, and one whose steps each have an effect elsewhere."""

from __future__ import annotations

import os
import time

import psycopg

from jobs import JobDefinition, step
from jobs.runner import Run

STEPS = 5
WORK_SECONDS = 0.05


def nothing(self: JobDefinition, run: Run) -> None:
    pass


def effect(self: JobDefinition, run: Run) -> None:
    """Add 1 to a total, once for all attempts of the step, as a payment would be made.

    The attempts are written down, too: each may come once, and none after a later one.
    """
    with psycopg.connect(os.environ["FAULTS_EFFECTS"], autocommit=True) as elsewhere:
        elsewhere.execute(
            "INSERT INTO run (key, attempt) VALUES (%s, %s)", [run.idempotency_key, run.attempt]
        )
        time.sleep(WORK_SECONDS)
        elsewhere.execute(
            "WITH new AS (INSERT INTO effect (key, attempt) VALUES (%s, %s) "
            "ON CONFLICT DO NOTHING RETURNING key) "
            "UPDATE total SET effects = effects + (SELECT count(*) FROM new)",
            [run.idempotency_key, run.attempt],
        )
        time.sleep(WORK_SECONDS)  # here, a kill leaves an effect without an end of the step


# A step whose worker is gone is charged for that: without a retry its job would fail.
FiveSteps = type(
    "FiveSteps",
    (JobDefinition,),
    {f"s{number}": step(retries=3, retry_delay=0.1)(nothing) for number in range(STEPS)},
)
FiveEffects = type(
    "FiveEffects",
    (JobDefinition,),
    {f"s{number}": step(retries=10, retry_delay=0.1)(effect) for number in range(STEPS)},
)
