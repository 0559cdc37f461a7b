"""The attempts of a job's steps, against the replayed journal, and what is counted of them."""

from __future__ import annotations

from collections.abc import Iterator

from .. import workers
from ..models import Attempt, Step, Worker
from ..statuses import CHARGED, CRASHES, UNFINISHED, VERDICTS, Status, Verdict
from .replay import Expected, Replay

COUNTERS = ("failures", "crashes", "interruptions")


def problems(replay: Replay) -> Iterator[str]:
    attempts: dict[int, list[Attempt]] = {pk: [] for pk in replay.rows}
    rows = Attempt.objects.filter(step__job=replay.job).order_by("number")
    for attempt in rows.defer("result", "error", "traceback"):
        attempts[attempt.step_id].append(attempt)
    ids = {attempt.worker_id for each in attempts.values() for attempt in each}
    claimants = Worker.objects.in_bulk([pk for pk in ids if pk is not None])
    for pk, row in replay.rows.items():
        yield from _numbering(row, attempts[pk])
        for attempt in attempts[pk]:
            about = f"attempt {attempt.number} of {row.name}"
            for problem in _attempt(attempt, replay.steps[pk]):
                yield f"{about}: {problem}"
            worker = claimants.get(attempt.worker_id or 0)
            if worker and not _may_take(worker, replay, row):
                yield f"{about}: the worker {worker} does not take such a step"
        yield from _counters(row, replay.steps[pk], attempts[pk])
        yield from _pause(row, replay.steps[pk], attempts[pk])


def _numbering(row: Step, attempts: list[Attempt]) -> Iterator[str]:
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, row.attempt + 1)):
        yield f"{row.name}: attempts are {numbers}, the row says {row.attempt}"
    open_ones = [attempt.number for attempt in attempts if attempt.ended_at is None]
    if open_ones != ([row.attempt] if row.status == Status.RUNNING else []):
        yield f"{row.name} is {row.status} and has open attempts {open_ones}"


def _attempt(attempt: Attempt, step: Expected) -> Iterator[str]:
    """An attempt is what lies between two moves of its step."""
    begun, ended = (
        next(iter(entries[attempt.number - 1 :]), None) for entries in (step.begun, step.ended)
    )
    if attempt.started_at != (begun and begun.at):
        yield f"it began at {attempt.started_at}, by the journal {begun and begun.at}"
    if attempt.ended_at != (ended and ended.at):
        yield f"it ended at {attempt.ended_at}, by the journal {ended and ended.at}"
    if ended and attempt.verdict not in VERDICTS.get(Status(ended.to_status), ()):
        yield f"its verdict is {attempt.verdict!r}, and the step became {ended.to_status}"


def _may_take(worker: Worker, replay: Replay, row: Step) -> bool:
    is_known = workers.knows(worker, replay.job.definition, row.name)
    is_taken = worker.only_job_id in (None, replay.job.pk)
    return is_known and is_taken and workers.serves(worker, row.queue)


def _counters(row: Step, step: Expected, attempts: list[Attempt]) -> Iterator[str]:
    """What its attempts count for, in the entry that ends each of them and in the row."""
    counts = dict.fromkeys(COUNTERS, 0)
    for attempt in attempts:
        counts["failures"] += attempt.verdict in CHARGED
        counts["crashes"] += attempt.verdict in CRASHES
        counts["interruptions"] += attempt.verdict == Verdict.INTERRUPTED
        for entry in step.ended[attempt.number - 1 : attempt.number]:
            for counter in COUNTERS:
                if entry.data.get(counter, counts[counter]) != counts[counter]:
                    yield f"entry {entry.seq}: {counter} of {row.name} is not {counts[counter]}"
        if attempt.number in step.retried_after:
            counts = dict.fromkeys(COUNTERS, 0)
    for counter in COUNTERS:
        if getattr(row, counter) != counts[counter]:
            yield (
                f"{row.name}: {counter} is {getattr(row, counter)}, by its attempts "
                f"{counts[counter]}"
            )
    if row.status in UNFINISHED and row.failures > row.retries:
        yield f"{row.name} is unfinished after {row.failures} failures, retries is {row.retries}"


def _pause(row: Step, step: Expected, attempts: list[Attempt]) -> Iterator[str]:
    last = step.last
    is_to_be_retried = last and attempts and last.from_status == Status.RUNNING
    if row.not_before and not (is_to_be_retried and attempts[-1].verdict in CHARGED):
        yield f"{row.name} waits until {row.not_before}, and no attempt was charged"
