"""What people do: launch, cancel, retry, delete; pause queues and drain workers."""

from __future__ import annotations

from typing import Any

from jobs import Concurrency, orchestrator
from jobs.codes import Fact
from jobs.exceptions import KeyHeld, UnknownStep
from jobs.models import Job, Queue, Step, Worker
from jobs.statuses import Wanted
from tests.machine.actions import action
from tests.machine.simulation import DEFINITIONS, QUEUES, SimulatedWorker, Simulation
from tests.machine.workers import vanish
from tests.support import rows

WHEN_HELD = ("queue", "queue", "join", "refuse")


@action(when="takes_jobs", weight=2, which=len(DEFINITIONS), key=8, priority=3)
def launch(
    simulation: Simulation, which: int, key: int = 0, priority: int = 0, again_of: Any = None
) -> None:
    """One in two has the key that only one running job can have."""
    if not simulation.takes_jobs:
        return
    is_held = Job.objects.unfinished().filter(key="customer").exists()
    wanted = None
    if key >= len(WHEN_HELD):
        when_held = WHEN_HELD[key - len(WHEN_HELD)]
        wanted = Concurrency(key="customer", at_most=1, when_held=when_held)
    try:
        job = orchestrator.launch(
            DEFINITIONS[which],
            actor="ada",
            again_of=again_of,
            why="the world turns" if again_of else "",
            priority=5 * (priority - 1),
            concurrency=wanted,
        )
    except KeyHeld:
        assert wanted and is_held and wanted.when_held == "refuse"
        return
    is_joined = job.pk in simulation.jobs
    assert is_joined == bool(wanted and is_held and wanted.when_held == "join")
    if not is_joined:
        simulation.jobs.append(job.pk)
        simulation.launched.append(job.pk)


@action("jobs", which=len(DEFINITIONS), key=8)
def launch_again(simulation: Simulation, job_id: int, which: int, key: int) -> None:
    launch(simulation, which, key, again_of=Job.objects.get(pk=job_id))


@action(weight=2, which=len(QUEUES), is_to_pause=3)
def pause_or_resume(simulation: Simulation, which: int, is_to_pause: int) -> None:
    name = QUEUES[which]
    is_paused = Queue.objects.filter(name=name, is_paused=True).exists()
    order = orchestrator.pause_queue if is_to_pause else orchestrator.resume_queue
    assert order(name, actor="ada") == (is_paused != bool(is_to_pause))


@action("workers", is_to_drain=2)
def drain_or_resume(simulation: Simulation, worker: SimulatedWorker, is_to_drain: int) -> None:
    row = worker.registration.worker
    if Worker.objects.filter(pk=row.pk).exists():  # else its job was deleted
        orchestrator.order_worker(row.pk, Wanted.DRAIN if is_to_drain else Wanted.WORK)
        row.refresh_from_db(fields=["wanted"])


@action("jobs")
def cancel(simulation: Simulation, job_id: int) -> None:
    job = Job.objects.get(pk=job_id)
    expected = not job.is_finished and not job.cancel_requested
    assert orchestrator.cancel(job_id, actor="ada") == expected
    assert not Job.objects.get(pk=job_id).steps.filter(status="pending").exists()


@action("jobs", weight=3, which=7)
def retry(simulation: Simulation, job_id: int, which: int) -> None:
    """All failed steps (most often), one step, or a step that does not exist."""
    job = Job.objects.get(pk=job_id)
    steps = list(job.steps.order_by("position"))
    if which == 6:
        before = rows()
        try:
            orchestrator.retry(job_id, "no_such_step", actor="ada")
        except UnknownStep:
            assert rows() == before
            return
        raise AssertionError("a step that does not exist was retried")
    chosen = steps[which] if which < len(steps) else None
    is_open = job.is_finished or not job.cancel_requested
    again = [s for s in ([chosen] if chosen else steps) if s.status in ("failed", "cancelled")]
    is_skipped = chosen is not None and chosen.status == "skipped"
    taken = orchestrator.retry(job_id, chosen.name if chosen else "", actor="ada", why="why not")
    assert bool(taken) == bool(is_open and (again or is_skipped))
    assert {step.name for step in again} <= set(taken) or not is_open


@action("jobs")
def delete(simulation: Simulation, job_id: int) -> None:
    Job.objects.get(pk=job_id).delete()
    simulation.jobs.remove(job_id)
    there = set(Worker.objects.values_list("pk", flat=True))
    for worker in [
        worker for worker in simulation.workers if worker.registration.worker.pk not in there
    ]:
        vanish(simulation, worker)  # it worked for this job alone


@action("jobs", which=4)
def give_up(simulation: Simulation, job_id: int, which: int) -> None:
    step = Step.objects.filter(job=job_id, position=which).first()
    if step:
        orchestrator.give_up(job_id, {step.pk: Fact.text("no worker knows it")})
