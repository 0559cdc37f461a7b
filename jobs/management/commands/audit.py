"""``manage.py audit``: replay the journal against the rows."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from ... import database
from ...audit import differences
from ...models import Job, Transition
from ..terminal import TerminalCommand


class Command(TerminalCommand):
    help = (
        "Compare every row with its journal, of the jobs that are named or of all. "
        "Exit code: 0 clean, 1 differences, 2 no such job or cannot read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID", help="Only these jobs.")

    def handle(self, *args: Any, ids: list[int], **options: Any) -> None:
        try:
            jobs, entries = _rows(ids)
            found = list(differences(ids or None))
            totals = f"{jobs.count()} jobs, {entries.count()} entries"
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=2) from error
        if found:
            self.stdout.write("\n".join(found))
            sys.exit(1)
        self.stdout.write(f"clean: {totals}")


def _rows(ids: list[int]) -> tuple[QuerySet[Job], QuerySet[Transition]]:
    """The jobs to audit and their entries."""
    jobs, entries = Job.objects.all(), Transition.objects.all()
    if not ids:
        return jobs, entries
    if missing := sorted(pk for pk in ids if not jobs.filter(pk=pk).exists()):
        numbers = ", ".join(map(str, missing))
        raise CommandError(f"There is no job {numbers}. Nothing was audited.", returncode=2)
    return jobs.filter(pk__in=ids), entries.filter(job__in=ids)
