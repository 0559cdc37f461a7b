"""What people ask for: cancel a job, retry its steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .. import intents, journal
from ..codes import Code, Fact
from ..exceptions import UnknownStep
from ..journal import Batch, JobState
from ..models import Step
from ..statuses import STEP_RETRIES, Status
from ..times import rfc3339
from . import lines
from .people import kept, name_of


def cancel(
    job_id: int,
    *,
    actor: Any = "",
    source: str = "python",
    once: str = "",
    handed_over_at: datetime | None = None,
) -> bool:
    """Ask a job to stop: pending steps are cancelled immediately, running ones by their workers.

    Returns whether this call made the request: False when the job has ended or is already being
    cancelled; the journal notes that. A second call with the same *once*, within a week, returns
    what the first did. *handed_over_at* is when the request was handed to a worker instead:
    several workers may journal such a request, and the first one does. Raises Job.DoesNotExist.
    """

    def decide(batch: Batch) -> None:
        job = batch.state.job
        if handed_over_at and job.cancel_requested:
            pass  # another worker has journaled the same request
        elif job.is_finished:
            batch.note(Fact(Code.NOTE_CANCEL_OF_ENDED, {"status": job.status}))
        elif job.cancel_requested:
            batch.note(Fact(Code.NOTE_CANCEL_REPEATED))
        else:
            batch.request_cancel()
            batch.cancel_pending()
            if handed_over_at:
                asked = {"asked_at": rfc3339(handed_over_at)}
                batch.note(Fact(Code.NOTE_CANCEL_HANDED_OVER, asked))
        batch.remember(once, batch.has_request)

    def do() -> bool:
        state, by = JobState.load(job_id), name_of(actor)
        batch = journal.commit(state, decide, name="cancel", actor=by, source=source)
        lines.move_on(batch)
        return batch.has_request

    return intents.once(once, do, bool)


def retry(
    job_id: int,
    step: str = "",
    *,
    actor: Any = "",
    source: str = "python",
    why: str = "",
    once: str = "",
) -> list[str]:
    """Take a step, or all that failed or were cancelled, back to pending. Earlier results stay.

    This also retries dependencies of the chosen steps that did not succeed, and the skipped steps
    that can run then. Returns the names of all these; empty when there is nothing to retry, because
    the step or job has not failed, another request was faster, or the job has ended and so its
    secret parameters are gone; the journal notes that. A second call with the same *once*, within a
    week, returns what the first did. Raises Job.DoesNotExist and UnknownStep.
    """

    def decide(batch: Batch) -> None:
        chosen = _chosen(batch.state, step)
        if refused := _refused(batch.state, step, chosen):
            batch.note(refused)
        else:
            batch.retry(chosen, kept(why))
        batch.remember(once, batch.taken_back)

    def do() -> list[str]:
        state, by = JobState.load(job_id), name_of(actor)
        batch = journal.commit(state, decide, name="retry", actor=by, source=source)
        lines.move_on(batch)
        return batch.taken_back

    return intents.once(once, do, list)


def _chosen(state: JobState, name: str) -> list[Step]:
    """The named step, or all that failed or were cancelled, as far as they can be taken back.

    With their dependencies that did not succeed, in the order of the plan.
    """
    steps = state.steps
    if name:
        start = [_row_named(state, name).pk]
    else:
        start = [pk for pk in steps if steps[pk].status in (Status.FAILED, Status.CANCELLED)]
    found = state.plan.up(start, lambda pk: steps[pk].status in STEP_RETRIES)
    return [row for pk, row in steps.items() if pk in found]


def _refused(state: JobState, name: str, chosen: list[Step]) -> Fact | None:
    """Why nothing is taken back, if so."""
    if state.job.cancel_requested and not state.job.is_finished:
        return Fact(Code.NOTE_RETRY_WHILE_CANCELLING)
    if chosen:
        lacks = state.job.lacks_secrets
        return Fact(Code.NOTE_RETRY_WITHOUT_SECRETS) if lacks else None
    if name:
        about = {"step": name, "status": _row_named(state, name).status}
        return Fact(Code.NOTE_RETRY_OF_STEP, about)
    return Fact(Code.NOTE_RETRY_OF_NOTHING)


def _row_named(state: JobState, name: str) -> Step:
    for row in state.steps.values():
        if row.name == name:
            return row
    raise UnknownStep(state.job, name)
