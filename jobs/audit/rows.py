"""The rows of a job and of its steps, against the replayed journal."""

from __future__ import annotations

from collections.abc import Iterator

from ..models import Step
from ..statuses import HOPELESS, Status, status_of_job
from .replay import Expected, Replay


def problems(replay: Replay) -> Iterator[str]:
    yield from _job(replay)
    yield from _key(replay)
    for pk, row in replay.rows.items():
        needed = [replay.rows[pk].status for pk in replay.plan.dependencies[pk]]
        yield from _step(row, replay.steps[pk], needed, is_locked=replay.awaits_key)
        if row.rank != -replay.job.priority:
            yield f"{row.name}: rank is {row.rank}, the job's priority {replay.job.priority}"


def _job(replay: Replay) -> Iterator[str]:
    job = replay.job
    if job.status != replay.job_status:
        yield f"status is {job.status}, the journal says {replay.job_status}"
    by_steps = status_of_job(job.status, {step.status for step in replay.rows.values()})
    if job.status != by_steps:
        yield f"status is {job.status}, by its steps it is {by_steps}"
    if job.cancel_requested != replay.cancel_requested:
        yield "the journal and the row differ on whether cancel was requested"
    if job.is_finished and job.due_at:
        yield f"status is {job.status}, and its deadline is still heeded"
    if job.is_finished and job.sealed:
        yield f"status is {job.status}, and its secret parameters are still there"
    for column in ("started_at", "ended_at"):
        row, journal = getattr(job, column), getattr(replay, column)
        if row != journal:
            yield f"status is {job.status} and {column} is {row}, by the journal {journal}"


def _key(replay: Replay) -> Iterator[str]:
    """An unfinished job with a key holds it or waits for it, as its journal says."""
    job = replay.job
    if bool(job.key) != (job.key_number is not None) or bool(job.key) != bool(job.at_most):
        yield f"key is {job.key!r}, at_most {job.at_most} and key_number {job.key_number}"
    if (job.key_number or 0) > job.at_most:
        yield f"key_number is {job.key_number}, at_most {job.at_most}"
    if job.key and replay.awaits_key != (job.key_number == 0):
        says = "waits for its key" if replay.awaits_key else "has its key"
        yield f"key_number is {job.key_number}, by the journal it {says}"


def _step(row: Step, expected: Expected, needed: list[str], *, is_locked: bool) -> Iterator[str]:
    columns = {
        "status": (row.status, expected.status),
        "attempt": (row.attempt, len(expected.begun)),
        "fence": (row.fence, expected.fence),
        "seq": (row.seq, expected.seq),
        "tag": (row.tag, expected.tag),
    }
    if row.status == Status.PENDING:
        unfinished = sum(status != Status.SUCCEEDED for status in needed)
        columns["waiting"] = (row.waiting, unfinished or int(is_locked))
    for column, (there, journal) in columns.items():
        if there != journal:
            yield f"{row.name}: {column} is {there}, the journal says {journal}"
    is_hopeless = any(status in HOPELESS for status in needed)
    if row.status == Status.PENDING and is_hopeless:
        yield f"{row.name} waits for a step that can never succeed"
    if row.status == Status.SKIPPED and not is_hopeless:
        yield f"{row.name} is skipped, and nothing that it needs has gone wrong"
