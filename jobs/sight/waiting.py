"""Why a step waits, and what its workers mean for it: what no journal entry says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import conf, database, times, workers
from ..models import Attempt, Job, Need, Step, StepQuerySet, Worker
from ..sentences import Sentence, as_json, joined, sentence
from ..statuses import Status, Verdict, Wanted
from ..text import isolated
from .expected import read_expected
from .lines import why_awaits_key
from .queues import no_worker, why_ready
from .steps import StepPage

MOST_EXPLAINED = 1000  # steps of a job for which one reading says why they wait
ERROR_LINE = 200  # characters

Facts = dict[str, Any]


def why_pending(
    step: Step, attempt: Attempt | None, waits_for: list[str], key: str = ""
) -> Sentence:
    """Why a pending step has not started, as far as its own row says.

    *attempt* is its last one, *waits_for* the names of the dependencies that have not succeeded,
    *key* that of its job if it waits for nothing else.
    """
    if key:
        return sentence(_("waits for the key {key}"), key=isolated(key))
    if step.waiting:
        if not waits_for:
            return sentence(_("waits for {count} steps"), count=step.waiting)
        return sentence(_("waits for {steps}"), steps=", ".join(map(isolated, waits_for)))
    if not _is_delayed(step):
        return [_("waits for a worker")]
    return sentence(
        _("is retried at {at} (attempt {number} of {last}, after: {error})"),
        **_retry_of(step, attempt),
    )


def _why_delayed_without_worker(step: Step, attempt: Attempt) -> Sentence:
    return sentence(
        _(
            "is retried at {at} (attempt {number} of {last}, after: {error}), but no worker is "
            "running: start one with  {command}"
        ),
        command=conf.worker_command(),
        **_retry_of(step, attempt),
    )


def _is_delayed(step: Step) -> bool:
    return step.not_before is not None and step.not_before > timezone.now()


def _retry_of(step: Step, attempt: Attempt | None) -> dict[str, Any]:
    error = attempt.error.splitlines()[0][:ERROR_LINE] if attempt and attempt.error else ""
    return {
        "at": step.not_before,
        "number": step.attempt + 1,
        "last": step.last_attempt,
        "error": isolated(error) or _("no error"),
    }


def read_workers(job_id: int, pages: Collection[StepPage] | None = None) -> Facts | None:
    """What the workers mean for a job's steps; None when the job has ended.

    - ``seq``: of the job; the rest says nothing about a step with a newer one
    - ``nobody``: a sentence if no worker takes the job's steps
    - ``ready``: a sentence for the steps that are ready, by queue
    - ``waits``: sentences for those that wait for something else, by step id
    - ``late``: sentences for running steps whose worker sends no heartbeat, by step id
    - ``expected``: what ``read_expected`` says

    Sentences are as ``sentences.as_json`` makes them. With *pages*, ``waits`` has only their steps.
    """
    with database.snapshot():
        job = Job.objects.get(pk=job_id)
        if job.is_finished:
            return None
        living = workers.living()
        takers = workers.workers_for(job.pk, living)
        are_drained = any(worker.wanted != Wanted.WORK for worker in living)
        ready = why_ready(workers.queue_names(), takers, are_drained=are_drained)
        running = list(_current_attempts(list(Step.objects.running().filter(job=job))))
        late, slots = _late(job, running, living), sum(worker.slots for worker in takers)
        return {
            "seq": job.seq,
            "nobody": [] if takers else as_json(no_worker(are_drained=are_drained)),
            "ready": {queue: as_json(said) for queue, said in ready.items()},
            "waits": _as_facts(_waits(job, takers, pages)),
            "late": _as_facts(late),
            "expected": read_expected(job, running, slots, is_reliable=not late),
        }


def _as_facts(sentences: dict[int, Sentence]) -> Facts:
    return {str(pk): as_json(said) for pk, said in sentences.items()}


def _waits(
    job: Job, takers: list[Worker], pages: Collection[StepPage] | None
) -> dict[int, Sentence]:
    """Why steps without unfinished dependencies wait for something else than a free slot."""
    steps = _on_pages(Step.objects.filter(job=job), pages)
    if job.awaits_key:
        return _locked(job, steps)
    said = _unknown_steps(job, steps, takers) if takers else {}
    startable = steps.filter(status=Status.PENDING, waiting=0)
    delayed = startable.filter(not_before__gt=timezone.now()).order_by("position")
    for attempt in _current_attempts(list(delayed[:MOST_EXPLAINED])):
        step = attempt.step
        if takers:
            said[step.pk] = why_pending(step, attempt, [])
        else:
            said[step.pk] = _why_delayed_without_worker(step, attempt)
    return said


def _locked(job: Job, steps: StepQuerySet) -> dict[int, Sentence]:
    said = why_awaits_key(job)
    pending = steps.filter(status=Status.PENDING, waiting=1).exclude(
        needs__in=Need.objects.exclude(needed__status=Status.SUCCEEDED)
    )
    locked = pending.order_by("position").values_list("pk", flat=True)
    return dict.fromkeys(locked[:MOST_EXPLAINED], said)


def _unknown_steps(job: Job, steps: StepQuerySet, takers: list[Worker]) -> dict[int, Sentence]:
    known = {name for taker in takers for name in taker.knows.get(job.definition, ())}
    said = sentence(
        _("no running worker knows this step; it fails after {grace}"),
        grace=times.setting(conf.knobs().unknown_grace),
    )
    ready = steps.ready().order_by("position")[:MOST_EXPLAINED]
    return {step.pk: said for step in ready if step.name not in known}


def _on_pages(steps: StepQuerySet, pages: Collection[StepPage] | None) -> StepQuerySet:
    if pages is None:
        return steps
    shown = Q(pk__in=[])
    for page in pages:
        shown |= Q(position__gte=page.first, position__lt=page.end)
    return steps.filter(shown)


def _late(job: Job, running: list[Attempt], living: list[Worker]) -> dict[int, Sentence]:
    """What will be decided about running steps whose worker has ended or sends no heartbeat."""
    said: dict[int, Sentence] = {}
    for attempt in running:
        worker = attempt.worker
        observed = any(other != worker and not workers.is_late(other) for other in living)
        if worker is None or workers.is_gone(worker):
            said[attempt.step_id] = joined(
                _about_gone(worker, observed), _outcome(job, attempt.step)
            )
        elif workers.is_late(worker) and not _may_wait_for_lock(worker):
            said[attempt.step_id] = joined(
                _about_late(worker, observed), _outcome(job, attempt.step)
            )
    return said


def _may_wait_for_lock(worker: Worker) -> bool:
    """Whether its heartbeats in the database may wait for a lock, as all writes do."""
    return not workers.is_here(worker) and bool(database.lock_sentence())


def _about_gone(worker: Worker | None, observed: bool) -> Sentence:
    if worker is None:
        ended = sentence(_("Its worker has ended."))
    else:
        ended = sentence(
            _("Its worker {worker} has ended; its last heartbeat was at {at}."),
            worker=worker,
            at=worker.beat_at,
        )
    if observed:
        return joined(ended, [_("This attempt ends.")])
    until = _("Nothing is decided until a worker runs: start one with  {command}.")
    return joined(ended, sentence(until, command=conf.worker_command()))


def _about_late(worker: Worker, observed: bool) -> Sentence:
    silent = sentence(
        _("No heartbeat from its worker {worker} since {at}."), worker=worker, at=worker.beat_at
    )
    if observed:
        due = worker.beat_at + timedelta(seconds=conf.knobs().lease)
        return joined(silent, sentence(_("Without one by {due} this attempt ends."), due=due))
    until = _(
        "Nothing is decided until it returns or another worker runs: start one with  {command}. "
        "If another one is first, this attempt ends."
    )
    return joined(silent, sentence(until, command=conf.worker_command()))


def _outcome(job: Job, step: Step) -> Sentence:
    """What happens to a step when its running attempt is lost."""
    if job.cancel_requested:
        return [_("The step is then cancelled.")]
    if step.has_retry_left(Verdict.LOST):
        return sentence(
            _("The step is then retried (attempt {number} of {last})."),
            number=step.attempt + 1,
            last=step.last_attempt,
        )
    return [_("The step then fails.")]


def _current_attempts(steps: list[Step]) -> QuerySet[Attempt]:
    current = Attempt.objects.filter(step__in=steps, number=F("step__attempt"))
    return current.select_related("step", "worker").defer("result", "traceback")
