"""What must be true after each action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count

from jobs import audit
from jobs.models import Attempt, Job, Step
from jobs.statuses import TERMINAL, Status

if TYPE_CHECKING:
    from tests.machine.simulation import Simulation


@dataclass
class Seen:
    """The rows as the last check found them."""

    jobs: dict[int, Any] = field(default_factory=dict)
    steps: dict[int, Any] = field(default_factory=dict)

    def has_other_steps(self, job_id: int, steps: dict[int, Any]) -> bool:
        return _rows_of(job_id, steps) != _rows_of(job_id, self.steps)


def check(simulation: Simulation, *, is_retry: bool = False) -> None:
    """Compare the rows with those of the last check. Only a retry may leave a terminal status."""
    jobs, steps = Job.objects.in_bulk(), Step.objects.in_bulk()
    assert sorted(jobs) == sorted(simulation.jobs)
    for pk, job in jobs.items():
        before = simulation.seen.jobs.get(pk)
        changed = before is None or _columns(job) != _columns(before)
        if changed or simulation.seen.has_other_steps(pk, steps):
            assert list(audit.differences_of(job)) == []
        if before is not None:
            _check_job(job, before, is_retry)
    for pk, step in steps.items():
        if before := simulation.seen.steps.get(pk):
            _check_step(step, before, is_retry)
    open_attempts = Attempt.objects.filter(ended_at=None).values("step").annotate(n=Count("pk"))
    assert not open_attempts.filter(n__gt=1).exists(), "two open attempts of one step"
    holders = Job.objects.unfinished().filter(key_number__gt=0)
    assert len(holders) <= 1, "two jobs hold the key"
    simulation.seen = Seen(jobs, steps)
    _check_tallies(simulation)


def _check_job(job: Any, before: Any, is_retry: bool) -> None:
    has_moved = (job.seq, job.tag) != (before.seq, before.tag)
    assert job.seq > before.seq or not has_moved, "the journal went back"
    _check_that_terminal_is_final(job, before, is_retry)


def _check_step(step: Any, before: Any, is_retry: bool) -> None:
    for column in ("fence", "attempt", "seq", "log_lines"):
        assert getattr(step, column) >= getattr(before, column), f"{column} fell"
    has_moved = (step.attempt, step.status) != (before.attempt, before.status)
    assert step.fence > before.fence or not has_moved, "a move without a new fence"
    assert step.seq > before.seq or step.fence == before.fence, "a fence without an entry"
    _check_that_terminal_is_final(step, before, is_retry)


def _check_that_terminal_is_final(row: Any, before: Any, is_retry: bool) -> None:
    has_left = before.status in TERMINAL and row.status != before.status
    assert is_retry or not has_left, f"{before.status} was not final: {row.status}"


def _check_tallies(simulation: Simulation) -> None:
    """What workers remember of a job's steps agrees with the steps themselves."""
    now = simulation.clock.wall
    for state in _remembered_jobs(simulation):
        steps = sorted(state.steps.values(), key=lambda step: step.position)
        startable = [
            step
            for step in steps
            if (step.status, step.waiting) == (Status.PENDING, 0)
            and (step.not_before is None or step.not_before <= now)
        ]
        assert list(state.tally.startable(now, lambda queue: True)) == startable
        assert state.tally.statuses == {step.status for step in steps}
        assert state.tally.unended == sum(step.status not in TERMINAL for step in steps)


def _remembered_jobs(simulation: Simulation) -> Iterator[Any]:
    states = [attempt.state for attempt in (*simulation.past, *simulation.held)]
    states += [state for worker in simulation.workers for state in worker.claimant.jobs.values()]
    yield from {id(state): state for state in states}.values()


def _rows_of(job_id: int, steps: dict[int, Any]) -> dict[int, dict[str, Any]]:
    return {pk: _columns(step) for pk, step in steps.items() if step.job_id == job_id}


def _columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
