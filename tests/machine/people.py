"""What people do: launch, cancel, retry, delete."""

from __future__ import annotations

from typing import Any

from jobs import orchestrator
from jobs.codes import Fact
from jobs.exceptions import UnknownStep
from jobs.models import Job, Step, Worker
from tests.machine.actions import action
from tests.machine.simulation import DEFINITIONS, Simulation
from tests.machine.workers import vanish
from tests.support import rows


@action(when="takes_jobs", weight=2, which=len(DEFINITIONS))
def launch(simulation: Simulation, which: int, again_of: Any = None) -> None:
    if simulation.takes_jobs:
        why = "the world turns" if again_of else ""
        job = orchestrator.launch(DEFINITIONS[which], actor="ada", again_of=again_of, why=why)
        simulation.jobs.append(job.pk)
        simulation.launched.append(job.pk)


@action("jobs", which=len(DEFINITIONS))
def launch_again(simulation: Simulation, job_id: int, which: int) -> None:
    launch(simulation, which, again_of=Job.objects.get(pk=job_id))


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
