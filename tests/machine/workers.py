"""Workers come and go, send heartbeats and sweep; time passes."""

from __future__ import annotations

import os
from datetime import timedelta
from unittest.mock import patch

from jobs import definitions, orchestrator, upkeep, workers
from jobs.exceptions import DeclaredDead
from jobs.models import Worker
from jobs.orchestrator import Claimant
from jobs.queues import Served
from jobs.workers import liveness
from tests.machine.actions import action
from tests.machine.attempts import end
from tests.machine.invariants import check
from tests.machine.simulation import DEFINITIONS, LEASE, SimulatedWorker, Simulation

SERVED: dict[int, Served] = {4: {"gpu": 1}, 5: {"default": None, "gpu": 1}}  # by kind


@action(when="takes_workers", kind=8)
def register(simulation: Simulation, kind: int) -> SimulatedWorker | None:
    """On this host, on another one, for one job only, one that knows half of all steps, or one
    that serves some queues.
    """
    if not simulation.takes_workers:
        return None
    knows = {name: list(definitions.get(name).steps()) for name in DEFINITIONS[:3]}
    if kind == 3:
        knows = {name: steps[:2] for name, steps in knows.items()}
    only_job = simulation.jobs[-1] if kind == 2 and simulation.jobs else None
    registration = workers.register(
        slots=2, knows=knows, only_job=only_job, queues=SERVED.get(kind)
    )
    simulation.locks.add(registration._lock)
    simulation.stack.callback(registration._aside.close)
    simulation.registered += 1
    registration.worker.pid = simulation.registered
    if kind == 1:
        registration.worker.host = "far.example"
    rows = Worker.objects.filter(pk=registration.worker.pk)
    rows.update(host=registration.worker.host, pid=simulation.registered)
    claimant = Claimant(registration.worker, knows)
    worker = SimulatedWorker(registration, claimant, upkeep.Sweep(claimant), is_far=kind == 1)
    claimant.taken = lambda: worker.taken
    simulation.workers.append(worker)
    return worker


@action("workers")
def vanish(simulation: Simulation, worker: SimulatedWorker) -> None:
    """It is killed. On this host its lock becomes free; another host only misses its heartbeats."""
    simulation.workers.remove(worker)
    simulation.past += worker.held
    worker.held = []
    if not worker.is_far and worker.registration._lock in simulation.locks:
        simulation.locks.discard(worker.registration._lock)
        os.close(worker.registration._lock)


@action("workers")
def deregister(simulation: Simulation, worker: SimulatedWorker) -> None:
    """A clean stop: its attempts are requeued, not charged."""
    for attempt in list(worker.held):
        end(simulation, attempt, "handed back", "its worker stopped", room=0)
    simulation.workers.remove(worker)
    simulation.locks.discard(worker.registration._lock)
    worker.registration.deregister()


@action("workers")
def beat(simulation: Simulation, worker: SimulatedWorker) -> None:
    """A worker that was declared dead learns it here, and another one replaces it."""
    is_known = Worker.objects.filter(pk=worker.registration.worker.pk, stopped_at=None).exists()
    try:
        worker.registration.beat()
        worker.registration.beat_in_row()
    except DeclaredDead as error:
        assert not is_known
        for attempt in list(worker.held):
            end(simulation, attempt, "interrupted", str(error), room=0)
        simulation.workers.remove(worker)
        simulation.locks.discard(worker.registration._lock)
        worker.registration.release()
        if again := register(simulation, 1 if worker.is_far else 0):
            before, now = worker.registration.worker, again.registration.worker
            orchestrator.repeat_order(before, now)
            now.refresh_from_db(fields=["wanted"])
            assert now.wanted == before.wanted
    else:
        assert is_known, "a worker that was declared dead went on"


@action("workers", forgets=2)
def sweep(simulation: Simulation, worker: SimulatedWorker, forgets: int) -> None:
    """*forgets*: the worker no longer knows what it runs."""
    if forgets:
        simulation.past += worker.held
        worker.held = []
    run_sweep(worker)


@action("workers", weight=2, times=6)
def watch_the_others(simulation: Simulation, worker: SimulatedWorker, times: int) -> None:
    """It sends heartbeats and sweeps; the others send nothing."""
    for _ in range(times + 1):
        simulation.clock.pass_by(LEASE / 3)
        beat(simulation, worker)
        if worker not in simulation.workers:
            return
        run_sweep(worker)
        check(simulation)


def run_sweep(worker: SimulatedWorker) -> None:
    with patch.object(liveness, "_observations", worker.observed):
        worker.sweep.has_news = True
        worker.sweep.run(held=worker.running)


@action(which=5)
def let_time_pass(simulation: Simulation, which: int) -> None:
    simulation.clock.pass_by((0.5, 6.0, 15.0, 60.0, 400.0)[which])


@action(which=4)
def set_the_wall_clock(simulation: Simulation, which: int) -> None:
    simulation.clock.wall += timedelta(seconds=(-3600, -5, 5, 3600)[which])


@action()
def suspend_the_machine(simulation: Simulation) -> None:
    simulation.clock.sleep(7200)
