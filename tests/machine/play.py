"""Whole runs: how one begins, how it ends, and one in which a seed decides everything."""

from __future__ import annotations

import random
from typing import Any

from jobs import audit
from jobs.models import Job
from tests.machine.actions import ACTIONS
from tests.machine.attempts import claim, finish
from tests.machine.history import history
from tests.machine.invariants import check
from tests.machine.people import drain_or_resume, launch, pause_or_resume
from tests.machine.simulation import QUEUES, Simulation
from tests.machine.workers import beat, register, run_sweep, vanish
from tests.support import statuses

SETTLING_SECONDS = 1800.0  # longer than any lease, retry delay or grace
MOST_ROUNDS = 24


def begin() -> Simulation:
    """Two workers, of which one has a limit for a queue, and one job."""
    simulation = Simulation()
    register(simulation, 0)
    register(simulation, 5)
    launch(simulation, 0)
    return simulation


def settle(simulation: Simulation) -> None:
    """All workers but one good worker vanish, no queue is paused, and time passes: no job may be
    stuck.
    """
    good = next((worker for worker in simulation.workers if worker.is_good), None)
    for worker in [worker for worker in simulation.workers if worker is not good]:
        vanish(simulation, worker)
    if good is None:
        register(simulation, 0)
    for which in range(len(QUEUES)):
        pause_or_resume(simulation, which, False)
    for _ in range(MOST_ROUNDS):
        if not Job.objects.unfinished().exists():
            assert list(audit.differences()) == []
            return
        _let_the_last_worker_work(simulation)
        check(simulation)
    stuck = {job.pk: (job.status, statuses(job)) for job in Job.objects.unfinished()}
    raise AssertionError(f"stuck: {stuck}")


def _let_the_last_worker_work(simulation: Simulation) -> None:
    simulation.clock.pass_by(SETTLING_SECONDS)
    beat(simulation, simulation.workers[0])  # if it was declared dead, another one replaces it
    [worker] = simulation.workers
    drain_or_resume(simulation, worker, False)
    run_sweep(worker)
    while worker.held or claim(simulation, worker, 2):
        finish(simulation, worker.held[0], 0, 0, 0)


def play(seed: int, actions: int = 40) -> list[list[Any]]:
    """The history of a run in which *seed* decides everything."""
    choose = random.Random(seed)
    state = random.getstate()
    random.seed(seed)  # retry delays
    simulation = begin()
    try:
        for _ in range(actions):
            names = [name for name in ACTIONS if simulation.can(name)]
            [name] = choose.choices(names, [ACTIONS[name].weight for name in names])
            sizes = ACTIONS[name].sizes
            simulation.do(name, **{key: choose.randrange(size) for key, size in sizes.items()})
        unsettled = history(simulation)
        settle(simulation)
        return unsettled + history(simulation)
    finally:
        simulation.close()
        random.setstate(state)
