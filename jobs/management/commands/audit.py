"""``manage.py audit``: replay the journal against the rows."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError

from ... import database
from ...audit import differences
from ...models import Job, Transition
from ..terminal import TerminalCommand


class Command(TerminalCommand):
    help = "Compare every row with its journal. Exit code: 0 clean, 1 differences, 2 cannot read."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = list(differences())
            totals = f"{Job.objects.count()} jobs, {Transition.objects.count()} entries"
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=2) from error
        if found:
            self.stdout.write("\n".join(found))
            sys.exit(1)
        self.stdout.write(f"clean: {totals}")
