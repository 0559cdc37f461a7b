"""Cancel and retry in the list of jobs: through the orchestrator, one job after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from .. import database, keys, orchestrator, permissions, responses
from ..codes import RETRY_REFUSED, gist
from ..exceptions import DatabaseBusy, InsideTransaction, KeyRefused
from ..models import Job
from ..workers import inbox
from .lists import MOST_LISTED

LOCK_TIMEOUT_SECONDS = 5.0  # of an action, for all its jobs together
LEAST_LOCK_TIMEOUT_SECONDS = 0.2  # for each further job once that is used up


class JobActions(admin.ModelAdmin):
    """The actions of the list of jobs."""

    actions = ("cancel", "retry")

    def has_control_permission(self, request: HttpRequest) -> bool:
        return permissions.may(request.user, permissions.CONTROL)

    @admin.action(description="Cancel selected jobs", permissions=["control"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        """Ask each job to stop, and say which ones had nothing to cancel."""
        requested: list[Job] = []
        refused: list[Job] = []

        def cancel_one(job: Job, intent: str) -> None:
            done = _cancel(job, actor=request.user, source="admin", once=intent)
            (requested if done else refused).append(job)

        if response := self._one_by_one(request, "cancel", jobs, cancel_one):
            return response
        if requested:
            text = f"Cancel requested: {_jobs(requested)}."
            self.message_user(request, text, messages.SUCCESS)
        if refused:
            text = f"Nothing to cancel in {_jobs(refused)}: ended, or already being cancelled."
            self.message_user(request, text, messages.WARNING)
        return None

    @admin.action(description="Retry unsuccessful steps of selected jobs", permissions=["control"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        """Retry the steps of each job that failed or were cancelled."""

        def retry_one(job: Job, intent: str) -> None:
            names = orchestrator.retry(job.pk, actor=request.user, source="admin", once=intent)
            if names:
                text = f"Retry requested: job {job.pk} ({', '.join(names)})."
                self.message_user(request, text, messages.SUCCESS)
            else:
                text = f"Nothing to retry in job {job.pk}: {_why_refused(job)}."
                self.message_user(request, text, messages.WARNING)

        return self._one_by_one(request, "retry", jobs, retry_one)

    def _one_by_one(
        self,
        request: HttpRequest,
        action: str,
        jobs: QuerySet[Job],
        act: Callable[[Job, str], None],
    ) -> HttpResponse | None:
        """Act on each job in a transaction and with an intent of its own.

        So an action that was stopped half-way can be sent again, and does the rest. Returns the
        page that asks to send it again, or None.
        """
        chosen = list(jobs.order_by("-pk")[:MOST_LISTED])[::-1]
        title = f"{action} selected jobs".capitalize()
        until = time.monotonic() + LOCK_TIMEOUT_SECONDS
        for number, job in enumerate(chosen):
            left = max(LEAST_LOCK_TIMEOUT_SECONDS, until - time.monotonic())
            try:
                with database.lock_timeout(left):
                    act(job, keys.intent_of(request, action, job.pk))
            except KeyRefused as error:
                return responses.ask_again(request, title, str(error))
            except DatabaseBusy as error:
                text = f"Stopped at job {job.pk}: the database is locked by {error.holder}."
                return responses.ask_again(request, title, text, status=503)
            except (*database.DATABASE_ERRORS, InsideTransaction) as error:
                text = _stopped_at(job, chosen[number + 1 :], database.explain(error))
                self.message_user(request, text, messages.ERROR)
                return None
        return None


def _cancel(job: Job, **request: Any) -> bool:
    """Request a cancel; while the database is locked, hand it to the job's worker."""
    try:
        return orchestrator.cancel(job.pk, **request)
    except DatabaseBusy:
        if not inbox.request_cancel(job.pk, **request):
            raise
        return True


def _why_refused(job: Job) -> str:
    note = job.journal.filter(code__in=RETRY_REFUSED, source="admin").latest("seq")
    return gist(note.code, note.data, note.reason)


def _stopped_at(job: Job, others: Sequence[Job], why: str) -> str:
    """The error may have come before or after the commit, so only the journal is sure."""
    texts = [f"Stopped at job {job.pk}: its journal shows whether the request was recorded."]
    if others:
        texts.append(f"Not reached: {_jobs(others)}.")
    return " ".join([*texts, why])


def _jobs(jobs: Sequence[Job]) -> str:
    return f"job {', '.join(str(job.pk) for job in jobs)}"
