"""What has happened, in a form that is the same on every database."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jobs.models import Attempt, Job, Step, Transition
from tests.machine.simulation import Simulation

STEP = ("name", "status", "seq", "attempt", "fence", "failures", "crashes", "waiting")
STEP += ("log_lines", "done", "total", "progress_text")
ATTEMPT = ("step__name", "number", "verdict", "result", "error", "worker__pid")
ATTEMPT += ("started_at", "ended_at")


def history(simulation: Simulation) -> list[list[Any]]:
    """Every job that is left, without ids, processes and tags."""
    numbers = {pk: number for number, pk in enumerate(simulation.launched)}
    rows = [row for job in Job.objects.order_by("pk") for row in _rows(job, numbers)]
    return json.loads(json.dumps(rows))


def _rows(job: Job, numbers: dict[int, int]) -> Iterator[list[Any]]:
    facts = [numbers[job.pk], job.definition, job.status, job.seq, job.cancel_requested]
    yield ["job", *facts, job.priority, job.key, str(job.started_at), str(job.ended_at)]
    for entry in Transition.objects.filter(job=job).select_related("step"):
        yield ["entry", *_facts_of(entry, numbers)]
    for row in Step.objects.filter(job=job).values_list(*STEP):
        yield ["step", *row]
    attempts = Attempt.objects.filter(step__job=job).order_by("step__position", "number")
    for row in attempts.values_list(*ATTEMPT):
        yield ["attempt", *(str(v) if isinstance(v, datetime) else v for v in row)]


def _facts_of(entry: Transition, numbers: dict[int, int]) -> list[Any]:
    def number(job: re.Match[str]) -> str:
        return f"job #{numbers.get(int(job[1]))}"

    step = entry.step.name if entry.step else None
    reason = re.sub(r"job (\d+)", number, entry.reason).replace(socket.gethostname(), "here")
    return [
        *(entry.seq, entry.kind, step, entry.attempt, entry.from_status, entry.to_status),
        *(entry.actor, entry.source, entry.code, reason),
        "" if entry.seq == 1 else str(entry.at),  # the launch has the clock of the database
    ]
