"""The facts of a job as JSON: ``show --json``, ``launch --json``, and any API, have one shape."""

from __future__ import annotations

from typing import Any

from .. import database
from ..definitions.parameters import as_json as params_as_json
from ..models import Job, Transition
from ..times import rfc3339
from .failures import failures_of_job
from .positions import no_such_job
from .run_times import RunTimes, last_runs
from .steps import StepRow, rows_of

Facts = dict[str, Any]


def job_as_json(job_id: int) -> Facts:
    """A job, its steps and its whole journal, from one snapshot. Raises Job.DoesNotExist."""
    with database.snapshot():
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            raise no_such_job(job_id)
        steps = list(job.steps.order_by("position"))
        runs = last_runs(job).steps
        journal = job.journal.select_related("step").order_by("seq")
        return {
            "job": _job_as_json(job),
            "steps": [_step_as_json(row, runs.get(row.step.name)) for row in rows_of(steps)],
            "journal": [entry_as_json(entry) for entry in journal],
        }


def entry_as_json(entry: Transition) -> Facts:
    """A journal entry, whose step should be loaded."""
    return {
        "job": entry.job_id,
        "seq": entry.seq,
        "kind": str(entry.kind),
        "step": entry.step.name if entry.step else None,
        "attempt": entry.attempt,
        "from": str(entry.from_status) or None,
        "to": str(entry.to_status) or None,
        "at": rfc3339(entry.at),
        "actor": entry.actor,
        "reason": entry.reason,
        "code": entry.code,
        "data": entry.data,
    }


def _job_as_json(job: Job) -> Facts:
    understood = job.understood
    return {
        "id": job.pk,
        "definition": job.definition,
        "status": str(job.status),
        "seq": job.seq,
        "priority": job.priority,
        "deadline": rfc3339(job.deadline_at) if job.deadline_at else None,
        "code_version": job.code_version or None,
        "key": job.key or None,
        "awaits_key": job.awaits_key,
        "params": job.params if understood is None else params_as_json(understood),
        "typed": job.params,
        "error": "\n".join(failure.line for failure in failures_of_job(job.pk)) or None,
    }


def _step_as_json(row: StepRow, times: RunTimes | None) -> Facts:
    step, attempt = row.step, row.attempt
    return {
        "id": step.pk,
        "name": step.name,
        "status": str(step.status),
        "seq": step.seq,
        "queue": step.queue,
        "attempt": step.attempt,
        "result": attempt.result if attempt else None,
        "error": row.error or None,
        "log_lines": step.log_lines,
        "log_warnings": step.log_warnings,
        "log_errors": step.log_errors,
        "exit_code": attempt.exit_code if attempt else None,
        "peak_memory": attempt.peak_memory if attempt else None,
        "peak_is_shared": attempt.peak_is_shared if attempt else None,
        "cpu_seconds": attempt.cpu_seconds if attempt else None,
        "code_version": row.code_version or None,
        "run_times": times and _run_times_as_json(times),
    }


def _run_times_as_json(times: RunTimes) -> Facts:
    """Of the step's last runs, in seconds."""
    return {"runs": len(times.seconds), "p50": times.typical, "p95": times.longest_usual}
