"""What nobody would ever move on: steps of lost workers, steps that their worker does not run, and
steps that no worker knows.

Every worker sweeps. An election would need signs of life of its own, and a sweep that finds nothing
costs three small reads; of two that find the same, the first one wins.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from . import conf, orchestrator, workers
from .exceptions import Overtaken
from .models import Attempt, Job, Step
from .orchestrator import Desk
from .runner import Outcome
from .statuses import Status, Verdict


@dataclass
class Sweep:
    """Looks, on behalf of one living worker, for steps that need help."""

    desk: Desk
    _unknown_since: dict[int, float] = field(default_factory=dict)  # step → monotonic seconds

    def run(self, held: Collection[int]) -> None:
        """One look. *held* are the steps that this worker really runs."""
        self._end_lost()
        self._hand_back_forgotten(held)
        self._give_up_unknown()
        workers.sign_off_the_dead()

    def _end_lost(self) -> None:
        """Running steps whose worker is gone."""
        for attempt in _running().exclude(worker__uuid=self.desk.worker.uuid):
            worker = attempt.worker
            if worker is None or workers.is_gone(worker):
                how = "is gone (killed or crashed)"
            elif not workers.is_alive(worker):
                how = f"has shown no sign of life for {conf.knobs().lease:g} s"
            else:
                continue
            outcome = Outcome(
                verdict=Verdict.LOST,
                reason="its worker vanished",
                error=f"The worker {worker or 'of this attempt'} {how}, and the step with it.",
            )
            with suppress(Overtaken):  # somebody was faster
                orchestrator.end_for_another(attempt, outcome)

    def _hand_back_forgotten(self, held: Collection[int]) -> None:
        """Steps that stand as running here and are not: the answer to a COMMIT was lost."""
        mine = _running().filter(worker__uuid=self.desk.worker.uuid)
        for attempt in mine.exclude(step__in=held):
            outcome = Outcome(verdict=Verdict.HANDED_BACK, reason="its worker never began it")
            with suppress(Overtaken):
                orchestrator.end_for_another(attempt, outcome)

    def _give_up_unknown(self) -> None:
        """Ready steps that no living worker knows, once they have waited through the grace."""
        strangers = self._strangers()
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

    def _strangers(self) -> list[Step]:
        """Ready steps that this worker does not know."""
        pairs = Step.objects.ready().order_by().values_list("job__definition", "name").distinct()
        unknown: dict[str, list[str]] = {}
        for definition, name in pairs:
            if name not in self.desk.knows.get(definition, ()):
                unknown.setdefault(definition, []).append(name)
        if not unknown:
            return []
        return list(Step.objects.ready().known_in(unknown).select_related("job"))


def _running() -> QuerySet[Attempt]:
    """The attempts that stand as running, with their steps and workers, as they began."""
    current = Attempt.objects.filter(step__status=Status.RUNNING, number=F("step__attempt"))
    return current.select_related("step", "worker").order_by("pk")
