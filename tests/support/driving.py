"""Jobs that run: driven by this process without running any step, or by a worker in another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from jobs import definitions, workers
from jobs.codes import Code, Fact
from jobs.journal import Claim, draft
from jobs.logs import LogBook
from jobs.models import Job, Step
from jobs.orchestrator import Claimant, claim, finish, launch
from jobs.runner import Outcome
from jobs.statuses import Verdict
from jobs.workers import Registration
from tests.support.rows import job_of, step_of
from tests.support.waiting import wait_for


def register_worker(
    *, slots: int = 2, knows: dict[str, list[str]] | None = None, **options: Any
) -> tuple[Registration, Claimant]:
    """Another worker, which this process drives; *options* as ``workers.register`` takes them."""
    knows = knows or definitions.known_steps()
    registration = workers.register(slots=slots, knows=knows, **options)
    return registration, Claimant(registration.worker, knows)


def returned(result: Any = None) -> Outcome:
    return Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED), result=result)


def ended(verdict: Verdict, reason: str = "for a test") -> Outcome:
    """An attempt that ended in any way but returning."""
    return Outcome(verdict=verdict, fact=Fact.text(reason), error=reason)


def drive(
    claimant: Claimant, job: Job, outcome: Callable[[Claim], Outcome] = lambda claim: returned()
):
    """Claim and finish until nothing is left to claim; *outcome* says how each attempt ends."""
    claims = claim(claimant, room=2)
    while claims:
        claims += finish(claimant, held := claims.pop(0), outcome(held), room=1)
        claims = claims or claim(claimant, room=2)
    return job_of(job.pk)


def took(
    claimant: Claimant,
    seconds: float,
    name: str = "noop",
    outcome: Callable[[], Outcome] = returned,
) -> Job:
    """A job of which each step took so long, by the clock of its journal."""
    now = timezone.now()

    def end(held: Claim) -> Outcome:
        nonlocal now
        now = held.started_at + timedelta(seconds=seconds)
        return outcome()

    with patch.object(draft.timezone, "now", lambda: now):
        return drive(claimant, launch(name), end)


def finished(job: Job, seconds: float = 30.0) -> Job:
    """The job, once a worker has brought it to its end."""
    return wait_for(lambda: (row := job_of(job.pk)).is_finished and row, seconds, f"{job} ends")


def running(job: Job, name: str, seconds: float = 30.0) -> Step:
    """The step, once it has logged something: it is in the middle of its work."""
    return wait_for(
        lambda: (row := step_of(job, name)).status == "running" and row.log_lines and row,
        seconds,  # its worker may have to start first
        f"{name} logs",
    )


def write_log(held: Claim, texts: Iterable[str]) -> None:
    """Lines of the log of an attempt that this process holds."""
    book = LogBook(held, 10**6)
    for text in texts:
        book.add(text)
    book.write()
