"""What happens when a job, or an attempt, takes longer than its author wants."""

from __future__ import annotations

from contextlib import suppress

from .. import journal
from ..codes import Code, Fact
from ..exceptions import Overtaken
from ..journal import Batch, Claim, JobState
from ..models import Job
from .claims import Claimant, end_at_deadline


def heed_deadline(job_id: int) -> None:
    """Warn of a job's deadline if it is near, cancel the job if it has passed.

    Of several workers that do so, the first commit wins. Raises nothing when the job is gone.
    """

    def decide(batch: Batch) -> None:
        job = batch.state.job
        if batch.is_overdue:
            end_at_deadline(batch)
        elif job.deadline_at and job.due_at and batch.now >= job.due_at:
            batch.warn_of_deadline(job.deadline_at)

    with suppress(Job.DoesNotExist):
        journal.commit(JobState.load(job_id), decide, name="cancel", source="worker")


def note_long_run(claimant: Claimant, held: Claim) -> None:
    """Journal that an attempt runs for longer than its step's ``warn_after``, if it still runs."""

    def decide(batch: Batch) -> None:
        about = {"attempt": held.attempt, "warn_after": held.warn_after}
        batch.note(Fact(Code.NOTE_RUNS_LONG, about), batch.held(held))

    with suppress(Overtaken, Job.DoesNotExist):
        state = claimant.state_of(held.job_id)
        journal.commit(state, decide, name="note", source="worker")
