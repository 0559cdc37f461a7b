"""What nobody would ever move on: steps of dead workers, and steps that no worker knows."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

from django.db.models import F

from . import conf, orchestrator, transitions, workers
from .exceptions import Overtaken
from .models import Attempt, Job, Step
from .orchestrator import Desk
from .statuses import Status
from .transitions import Batch, Claim, Ending, JobState


@dataclass
class Sweep:
    """Looks, on behalf of one living worker, for steps that need help."""

    desk: Desk
    _unknown_since: dict[int, float] = field(default_factory=dict)  # step → monotonic seconds

    def run(self) -> None:
        self._fail_orphans()
        self._give_up_unknown()
        workers.sign_off_the_dead()

    def _fail_orphans(self) -> None:
        """Running steps whose worker is gone."""
        orphans = (
            Attempt.objects.filter(step__status=Status.RUNNING, number=F("step__attempt"))
            .exclude(worker=self.desk.worker)
            .select_related("step", "worker")
        )
        for attempt in orphans:
            if attempt.worker is None or not workers.is_alive(attempt.worker):
                _fail_orphan(attempt)

    def _give_up_unknown(self) -> None:
        """Ready steps that no living worker knows, once they have waited through the grace."""
        unknown = Step.objects.ready().exclude(
            pk__in=Step.objects.ready().known_in(self.desk.knows).values("pk")
        )
        strangers = list(unknown.select_related("job"))
        living = workers.living() if strangers else []
        now = time.monotonic()
        since: dict[int, float] = {}
        for step in strangers:
            takers = workers.who_takes(step.job_id, living)
            if any(workers.knows_step(worker, step.job.definition, step.name) for worker in takers):
                continue
            since[step.pk] = self._unknown_since.get(step.pk, now)
            grace = conf.knobs().unknown_grace
            if now - since[step.pk] >= grace:
                reason = (
                    f"no running worker knows step {step.name!r} of {step.job.definition!r}; "
                    f"waited {grace:g} s"
                )
                with suppress(Job.DoesNotExist):
                    orchestrator.give_up(step.job_id, step.pk, reason)
        self._unknown_since = since


def _fail_orphan(attempt: Attempt) -> None:
    step, worker = attempt.step, attempt.worker
    claim = Claim(
        job_id=step.job_id,
        step_id=step.pk,
        name=step.name,
        attempt=attempt.number,
        fence=step.fence,
        timeout=step.timeout,
        started_at=attempt.started_at,
    )

    error = (
        f"The worker {worker or 'of this attempt'} is gone (killed or crashed) and the step with "
        "it. Launch the job again."
    )
    ending = Ending(claim=claim, worker=worker, error=error)

    def decide(batch: Batch) -> None:
        batch.fail(batch.held(claim), ending, "its worker vanished")

    with suppress(Overtaken, Job.DoesNotExist):  # somebody was faster
        transitions.commit(JobState.load(step.job_id), decide, source="worker")
