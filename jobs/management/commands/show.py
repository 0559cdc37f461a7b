"""``manage.py show ID``: a job as the database has it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import F

from ... import database
from ...definitions.parameters import as_json
from ...models import Attempt, Job, Transition, given_up
from ...sight.failures import errors_of
from ..follow import whole_of
from ..terminal import TerminalCommand, console_of
from ..tree import plain


class Command(TerminalCommand):
    help = "Show a job, its steps and its journal. Exit code: 0, or 2 no such job or not readable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, metavar="ID")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, id: int, **options: Any) -> None:  # noqa: A002
        try:
            if options["json"]:
                self.stdout.write(json.dumps(_job_as_json(id)))
            else:
                console = console_of(self.stdout)
                console.print(whole_of(id, console))
                if held := database.words():
                    console.print(plain(held), style="yellow")
        except (Job.DoesNotExist, OverflowError):  # no database has numbers so large
            raise CommandError(f"There is no job {id}.", returncode=2) from None
        except database.TROUBLE as error:
            raise CommandError(database.explain(error), returncode=2) from error


def _job_as_json(job_id: int) -> dict[str, Any]:
    with database.snapshot():
        job = Job.objects.get(pk=job_id)
        attempts = {
            attempt.step_id: attempt
            for attempt in Attempt.objects.filter(step__job=job, number=F("step__attempt"))
        }
        steps = list(job.steps.annotate(given_up=given_up()).order_by("position"))
        journal = Transition.objects.filter(job=job).select_related("step").order_by("seq")
        return {
            "job": {
                "id": job.pk,
                "definition": job.definition,
                "status": str(job.status),
                "seq": job.seq,
                "params": job.params if job.understood is None else as_json(job.understood),
                "typed": job.params,
                "error": "\n".join(errors_of(job.pk)) or None,
            },
            "steps": [_step_as_json(step, attempts.get(step.pk)) for step in steps],
            "journal": [entry.as_json() for entry in journal],
        }


def _step_as_json(step: Any, attempt: Attempt | None) -> dict[str, Any]:
    """A step, annotated with ``given_up``, and its current attempt."""
    return {
        "id": step.pk,
        "name": step.name,
        "status": str(step.status),
        "seq": step.seq,
        "attempt": step.attempt,
        "result": attempt.result if attempt else None,
        "error": step.given_up or (attempt and attempt.error) or None,
        "log_lines": step.log_lines,
    }
