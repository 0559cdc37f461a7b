"""``manage.py show ID``: a job as the database has it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import database
from ...models import Job
from ...sight.as_json import job_as_json
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
                self.stdout.write(json.dumps(job_as_json(id)))
            else:
                console = console_of(self.stdout)
                console.print(whole_of(id, console))
                if held := database.lock_sentence():
                    console.print(plain(held), style="yellow")
        except (Job.DoesNotExist, OverflowError):  # no database has numbers so large
            raise CommandError(f"There is no job {id}.", returncode=2) from None
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=2) from error
