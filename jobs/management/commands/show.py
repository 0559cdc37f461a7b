"""``manage.py show ID``: a job as the database has it."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import database, logs, orchestrator
from ...exceptions import StepNotRunning, UnknownStep
from ...models import Job
from ...sight.as_json import job_as_json
from ...sight.stacks import read_stack
from ..follow import whole_of
from ..terminal import TerminalCommand, console_of
from ..tree import plain

ANSWER_SECONDS = 10.0  # a worker may be busy for so long
LOOK_SECONDS = 0.1  # between two looks for the answer


class Command(TerminalCommand):
    help = "Show a job, its steps and its journal. Exit code: 0, or 2 no such job or not readable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, metavar="ID")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--json", action="store_true", help="Print one JSON object.")
        what.add_argument(
            "--stack", metavar="STEP", help="Print where a running step is in its code."
        )
        what.add_argument("--log", metavar="STEP", help="Print the log of a step.")
        parser.add_argument(
            "--raw",
            action="store_true",
            help="With --log: as the step said it. What is in it may command your terminal.",
        )

    def handle(self, *args: Any, id: int, **options: Any) -> None:  # noqa: A002
        if options["raw"] and not options["log"]:
            raise CommandError("--raw needs --log STEP.", returncode=2)
        try:
            if options["log"]:
                self._print_log(id, options["log"], raw=options["raw"])
            elif options["stack"]:
                self._print_stack(id, options["stack"])
            elif options["json"]:
                self.stdout.write(json.dumps(job_as_json(id)))
            else:
                console = console_of(self.stdout)
                console.print(whole_of(id, console))
                if held := database.lock_sentence():
                    console.print(plain(held), style="yellow")
        except (Job.DoesNotExist, OverflowError):  # no database has numbers so large
            raise CommandError(f"There is no job {id}.", returncode=2) from None
        except (UnknownStep, StepNotRunning) as error:
            raise CommandError(str(error), returncode=2) from None
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=2) from error

    def _print_log(self, job_id: int, step: str, *, raw: bool) -> None:
        job = Job.objects.get(pk=job_id)
        row = job.steps.filter(name=step).first() if step.isidentifier() else None
        if row is None:
            raise UnknownStep(job, step)
        for text in logs.text_of(row.pk, raw=raw):
            self.stdout.write(text, ending="")

    def _print_stack(self, job_id: int, step: str) -> None:
        """Ask the step's worker, and print its answer."""
        orchestrator.ask_for_stack(job_id, step)
        until = time.monotonic() + ANSWER_SECONDS
        while not (stack := read_stack(job_id, step)).answered_at:
            if time.monotonic() > until:
                raise CommandError(
                    f"The worker of {step} has not answered for {ANSWER_SECONDS:g} s. It may be "
                    "busy, cut off from the database, or gone.",
                    returncode=2,
                )
            time.sleep(LOOK_SECONDS)
        self.stdout.write(stack.problem or f"Innermost call first:\n{stack.text}")
