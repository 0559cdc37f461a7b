"""Why a step waits, and what its workers mean for it: facts that no journal entry tells."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .. import conf, database, times, workers
from ..database import Words
from ..models import Attempt, Job, Step, StepQuerySet, Worker, rfc3339
from ..statuses import Status, Verdict
from ..text import isolated
from .steps import Part

MOST_TOLD = 1000  # steps of which one reading says what they wait for
START_ONE = "start one with  python manage.py worker"


def why_pending(step: Step, attempt: Attempt | None, waits_for: list[str]) -> Words:
    """Why a pending step has not started, as far as the step itself knows."""
    if step.waiting:
        return [f"waits for {', '.join(map(isolated, waits_for)) or f'{step.waiting} steps'}"]
    if step.not_before is None or step.not_before <= timezone.now():
        return ["waits for a worker"]
    error = attempt.error.splitlines()[0][:200] if attempt and attempt.error else "no error"
    number = f"attempt {step.attempt + 1} of {step.last_attempt}"
    return ["tries again at ", step.not_before, f" ({number}, after: {isolated(error)})"]


Facts = dict[str, Any]


def read_workers(job_id: int, parts: Collection[Part] | None = None) -> Facts | None:
    """What the workers mean for this job's steps, in words; None when the job has ended.

    ``note`` is for the steps that could start, unless ``waits`` has words for one by its id;
    ``late`` is for running steps whose worker shows no sign of life. A step that is newer than
    ``seq`` is not meant. With *parts*, only steps of these are told of one by one.
    """
    with database.snapshot():
        job = Job.objects.get(pk=job_id)
        if job.is_finished:
            return None
        living = workers.living()
        takers = workers.workers_for(job.pk, living)
        note = "waits for a free slot" if takers else f"no worker is running: {START_ONE}"
        return {
            "seq": job.seq,
            "live": len(takers),
            "note": note,
            "waits": _read_waits(job, takers, note, parts),
            "late": _read_late(job, living),
        }


def _read_waits(job: Job, takers: list[Worker], note: str, parts: Collection[Part] | None) -> Facts:
    """The steps that could start and wait for something else than a free slot."""
    steps = _in_parts(Step.objects.filter(job=job), parts)
    known = {name for taker in takers for name in taker.knows.get(job.definition, ())}
    words: dict[str, Words] = {}
    if takers:
        grace = conf.knobs().unknown_grace
        for step in steps.ready().behind(None, MOST_TOLD):
            if step.name not in known:
                words[str(step.pk)] = [
                    f"no running worker knows this step; it fails after {times.setting(grace)}"
                ]
    startable = steps.filter(status=Status.PENDING, waiting=0)
    resting = startable.filter(not_before__gt=timezone.now()).order_by("position")
    for attempt in _attempts_of(list(resting[:MOST_TOLD])):
        said = why_pending(attempt.step, attempt, [])
        words[str(attempt.step_id)] = said if takers else [*said, f"; {note}"]
    return {pk: as_json(said) for pk, said in words.items()}


def _in_parts(steps: StepQuerySet, parts: Collection[Part] | None) -> StepQuerySet:
    if parts is None:
        return steps
    shown = Q(pk__in=[])
    for part in parts:
        shown |= Q(position__gte=part.first, position__lt=part.end)
    return steps.filter(shown)


def _read_late(job: Job, living: list[Worker]) -> Facts:
    """What is about to be decided of running steps whose worker shows no sign of life."""
    running = list(Step.objects.running().filter(job=job))
    late: Facts = {}
    for attempt in _attempts_of(running):
        worker = attempt.worker
        is_gone = worker is None or workers.is_gone(worker)
        if worker and not is_gone and not workers.is_late(worker):
            continue
        if worker and not is_gone and not workers.is_here(worker) and database.words():
            continue  # its beats wait for the same lock as everybody
        observed = any(other != worker and not workers.is_late(other) for other in living)
        words = _about_the_gone(worker, observed) if is_gone else _about_the_late(worker, observed)
        step = attempt.step
        number = f"attempt {step.attempt + 1} of {step.last_attempt}"
        if job.cancel_requested:
            words.append("is cancelled")
        else:
            is_retried = step.has_retry_left(Verdict.LOST)
            words.append(f"is tried again ({number})" if is_retried else "fails")
        late[str(step.pk)] = as_json(words)
    return late


def _about_the_gone(worker: Worker | None, observed: bool) -> Words:
    named = f"its worker {worker}" if worker else "its worker"
    since: Words = [", last heard at ", worker.beat_at] if worker else []
    if observed:
        return [f"{named} has ended", *since, ": this attempt ends too, and the step "]
    return [
        f"{named} has ended",
        *since,
        f". Nothing is decided until a worker runs: {START_ONE}. Then the step ",
    ]


def _about_the_late(worker: Worker | None, observed: bool) -> Words:
    assert worker
    said: Words = [f"no sign of life from its worker {worker} since ", worker.beat_at]
    if observed:
        due = worker.beat_at + timedelta(seconds=conf.knobs().lease)
        return [*said, "; if none comes by ", due, " this attempt ends, and the step "]
    return [
        *said,
        ". Nothing is decided until it comes back or another worker runs: "
        f"{START_ONE}. If that one comes first, the step ",
    ]


def _attempts_of(steps: list[Step]) -> QuerySet[Attempt]:
    current = Attempt.objects.filter(step__in=steps, number=F("step__attempt"))
    return current.select_related("step", "worker").defer("result", "traceback")


def as_json(words: Words) -> list[Any]:
    return [word if isinstance(word, str) else {"at": rfc3339(word)} for word in words]
